import type { Client, Tool } from '@modelcontextprotocol/client';
import { CliError, describeCause, exitCodes, NotAllowedError, UnreachableError, UsageError } from '../errors.js';
import type { Surroundings } from '../Surroundings.js';
import { accessServer } from '../server/connectServer.js';
import { isNetworkError } from '../server/httpClient.js';
import { callerHeaders, type ServerOptions } from '../server/serverOptions.js';
import { Output } from '../terminal/Output.js';
import { version } from '../version.js';
import { askPerson } from './askPerson.js';

const MAX_PAGES = 1_000;
const CONNECT_TIMEOUT_MS = 60_000;
/** Somebody may have to sign in first. */
const CONNECT_WITH_PERSON_TIMEOUT_MS = 60 * 60_000;

export interface ConnectedServer {
  readonly client: Client;
  listTools(): Promise<Tool[]>;
}

/**
 * Does some work with an MCP server, and hangs up.
 *
 * @throws CliError for everything that the server or the way to it refuses.
 */
export async function withServer<T>(
  server: ServerOptions,
  surroundings: Surroundings,
  work: (connected: ConnectedServer) => Promise<T>,
): Promise<T> {
  // A third of the program, which bridges and help do without.
  const sdk = await import('@modelcontextprotocol/client');
  const output = new Output(surroundings);
  const hasPerson = surroundings.stdin.isTTY === true && surroundings.stderr.isTTY === true;
  const signal = surroundings.stopSignal ?? new AbortController().signal;
  const access = accessServer(server, surroundings, {
    say: text => output.note(text),
    isInteractive: hasPerson,
    signal,
  });
  const client = new sdk.Client(
    { name: 'callboard-cli', version },
    {
      capabilities: hasPerson ? { elicitation: { form: {}, url: {} } } : {},
      versionNegotiation: { mode: 'auto' },
    },
  );
  if (hasPerson) {
    client.setRequestHandler('elicitation/create', ({ params }) => askPerson(params, surroundings));
  }
  const options = { fetch: access.fetch as typeof fetch, requestInit: { headers: callerHeaders(server) } };
  const connectOptions = { timeout: hasPerson ? CONNECT_WITH_PERSON_TIMEOUT_MS : CONNECT_TIMEOUT_MS };
  try {
    try {
      await client.connect(new sdk.StreamableHTTPClientTransport(server.urls.mcp, options), connectOptions);
    } catch (error) {
      if (![404, 405].includes(statusOf(error) ?? 0)) {
        throw error;
      }
      await client.connect(new sdk.SSEClientTransport(server.urls.mcp, options), connectOptions).catch(() => {
        throw error;
      });
    }
    return await work({ client, listTools: () => listTools(client) });
  } catch (error) {
    throw toCliError(error, server);
  } finally {
    await client.close().catch(() => {});
    await access.close();
  }
}

async function listTools(client: Client): Promise<Tool[]> {
  const tools: Tool[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { tools: some, nextCursor } = await client.listTools(cursor === undefined ? undefined : { cursor });
    tools.push(...some);
    if (nextCursor === undefined || nextCursor === cursor) {
      break;
    }
    cursor = nextCursor;
  }
  return tools;
}

/** By its own name, or by the id of the action behind it in whatever style the server names tools. */
export function findTool(tools: readonly Tool[], name: string): Tool {
  const styles = [name, name.replace(':', '.'), name.toLowerCase().replace(/[:.]/, '_').replaceAll('.', '_')];
  const found = styles.flatMap(style => tools.find(tool => tool.name === style) ?? []).at(0);
  if (found) {
    return found;
  }
  const similar = tools.filter(tool => tool.name.includes(name.split(/[.:]/).at(-1) ?? name)).slice(0, 5);
  const hint = similar.length > 0 ? `. Did you mean ${similar.map(tool => tool.name).join(', ')}?` : '';
  throw new UsageError(
    `There is no action ${JSON.stringify(name)} here, or you may not see it${hint || '; "callboard actions list" shows those that are there'}`,
  );
}

function statusOf(error: unknown): number | undefined {
  const { status, data, code } = error as { status?: unknown; data?: { status?: unknown }; code?: unknown };
  return [status, data?.status, code].find(value => typeof value === 'number' && value >= 100 && value < 600) as
    | number
    | undefined;
}

/** The SDK wraps what the way to the server has thrown. */
function findCliError(thrown: unknown): CliError | undefined {
  let error = thrown as { cause?: unknown } | undefined;
  for (let depth = 0; depth < 5 && error; depth += 1) {
    if (error instanceof CliError) {
      return error;
    }
    error = error.cause as typeof error;
  }
  return undefined;
}

/** The network's own words, without those of all who handed them on. */
function rootCause(thrown: unknown): unknown {
  let error = thrown as { cause?: unknown; errors?: unknown[] };
  for (let depth = 0; depth < 5; depth += 1) {
    const next = error.cause ?? error.errors?.[0];
    if (next === undefined || next === null) {
      break;
    }
    error = next as typeof error;
  }
  return error;
}

export function toCliError(error: unknown, { urls, token }: ServerOptions): unknown {
  const own = findCliError(error);
  if (own) {
    return own;
  }
  const status = statusOf(error) ?? statusOf((error as { cause?: unknown }).cause ?? {});
  if (status === 401) {
    return new NotAllowedError(
      `The server at ${urls.mcp.host} does not accept ${token ? 'the token' : 'who you are signed in as'} (401)`,
      { cause: error },
    );
  }
  if (status === 403) {
    return new NotAllowedError(`The server at ${urls.mcp.host} does not allow this (403): ${describeCause(error)}`, {
      cause: error,
    });
  }
  if (isNetworkError(error) || (status !== undefined && [404, 405, 502, 503, 504].includes(status))) {
    return new UnreachableError(
      status === undefined
        ? `${urls.mcp.origin} does not answer: ${describeCause(rootCause(error))}`
        : `There is no MCP server at ${urls.mcp.href} (${status})`,
      { cause: error },
    );
  }
  return new CliError(describeCause(error), { exitCode: exitCodes.failed, cause: error });
}
