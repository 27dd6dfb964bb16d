import { type HeaderParameter, headerParametersOf } from '../tools/headerParameters.js';
import type { Exchange } from '../transports/Exchange.js';
import { HEADER_MISMATCH, RefusedRequest } from './RefusedRequest.js';

const BASE64_VALUE = /^=\?base64\?(.*)\?=$/;
const CANONICAL_BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const DECIMAL = /^-?\d+(\.\d+)?$/;

/**
 * Holds the headers in which a client repeats arguments of a tool call against the arguments, so that
 * whoever goes by the headers on the way goes by what will run (MCP 2026-07-28, transports, custom
 * headers from tool parameters).
 *
 * @throws RefusedRequest 400 with `-32020` if a header is missing, unreadable or says something else.
 */
export async function checkParamHeaders({ req, body, server, context }: Exchange): Promise<void> {
  const { method, params } = (body ?? {}) as { method?: unknown; params?: { name?: unknown; arguments?: unknown } };
  if (method !== 'tools/call' || typeof params?.name !== 'string' || !server.tools.hasHeaders(params.name)) {
    return;
  }
  // Whoever may not see the tool is not to learn from this answer that there is one.
  const tool = await server.tools.find(params.name, context.credentials);
  for (const parameter of tool ? headerParametersOf(tool.descriptor) : []) {
    const problem = findProblem(parameter, params.arguments, req.headers[`mcp-param-${parameter.name.toLowerCase()}`]);
    if (problem) {
      throw new RefusedRequest(400, `Mcp-Param-${parameter.name}: ${problem}`, { code: HEADER_MISMATCH });
    }
  }
}

function findProblem(
  { path, isNumeric }: HeaderParameter,
  input: unknown,
  header: string | string[] | undefined,
): string | undefined {
  const argument = path.join('.');
  const value = path.reduce<unknown>((at, key) => {
    return typeof at === 'object' && at !== null && Object.hasOwn(at, key) ? Reflect.get(at, key) : undefined;
  }, input);
  // Whatever is no primitive breaks the tool's schema, which says so better.
  if (!['string', 'number', 'boolean'].includes(typeof value)) {
    return undefined;
  }
  if (header === undefined) {
    return `expected the value of the argument "${argument}", got no such header`;
  }
  const text = decode(header.toString());
  if (text === undefined) {
    return 'expected UTF-8 in Base64 between =?base64? and ?=, got something else';
  }
  const isEqual =
    isNumeric && typeof value === 'number' && DECIMAL.test(text) ? Number(text) === value : text === String(value);
  return isEqual ? undefined : `expected the value of the argument "${argument}", got another one`;
}

function decode(header: string): string | undefined {
  const [, base64] = BASE64_VALUE.exec(header) ?? [];
  if (base64 === undefined) {
    return header;
  }
  if (!CANONICAL_BASE64.test(base64)) {
    return undefined;
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(base64, 'base64'));
  } catch {
    return undefined;
  }
}
