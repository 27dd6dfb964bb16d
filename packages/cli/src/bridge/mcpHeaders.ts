import { findEnvelopeVersion, type Message, type Request } from './messages.js';

/** Which field names what a request is about (MCP 2026-07-28, standard request headers). */
const nameFields: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
};

/** An argument that is repeated in a header: where it is, and the header's name without `Mcp-Param-`. */
export interface MirroredArgument {
  readonly path: readonly string[];
  readonly header: string;
}

/** Headers that repeat what a request of the 2026 era says. */
export function modernHeaders(request: Request, mirrored: readonly MirroredArgument[] = []): Record<string, string> {
  const field = Object.hasOwn(nameFields, request.method) ? (nameFields[request.method] as string) : undefined;
  const name = field === undefined ? undefined : request.params?.[field];
  return {
    'MCP-Protocol-Version': encodeHeader(findEnvelopeVersion(request) ?? ''),
    'Mcp-Method': encodeHeader(request.method),
    ...(typeof name === 'string' && { 'Mcp-Name': encodeHeader(name) }),
    ...Object.fromEntries(
      mirrored.flatMap(({ path, header }) => {
        const value = path.reduce<unknown>(
          (node, key) =>
            typeof node === 'object' && node !== null ? (node as Record<string, unknown>)[key] : undefined,
          request.params?.arguments,
        );
        return ['string', 'boolean', 'number'].includes(typeof value)
          ? [[`Mcp-Param-${header}`, encodeHeader(String(value))]]
          : [];
      }),
    ),
  };
}

/** The arguments that each tool of a list wants in headers (`x-mcp-header`). */
export function findMirroredArguments({ result }: Message): Map<string, MirroredArgument[]> {
  const tools = (result as { tools?: unknown } | undefined)?.tools;
  return new Map(
    (Array.isArray(tools) ? tools : []).flatMap((tool: { name?: unknown; inputSchema?: unknown } | null) =>
      typeof tool?.name === 'string' ? [[tool.name, findDeclarations(tool.inputSchema)] as const] : [],
    ),
  );
}

function findDeclarations(schema: unknown, path: readonly string[] = []): MirroredArgument[] {
  const { properties, 'x-mcp-header': header } = (schema ?? {}) as Record<string, unknown>;
  return [
    ...(typeof header === 'string' && /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(header) && path.length > 0
      ? [{ path, header }]
      : []),
    ...(typeof properties === 'object' && properties !== null
      ? Object.entries(properties).flatMap(([key, child]) => findDeclarations(child, [...path, key]))
      : []),
  ];
}

/** Text that a header cannot carry, or that looks as if it were encoded, is encoded. */
function encodeHeader(value: string): string {
  const isPlain = /^[\x20-\x7e\t]+$/.test(value) && value === value.trim() && !/^=\?base64\?.*\?=$/.test(value);
  return isPlain ? value : `=?base64?${Buffer.from(value, 'utf8').toString('base64')}?=`;
}
