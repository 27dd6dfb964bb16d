import { type Command, Option } from 'commander';
import { UsageError } from '../errors.js';
import type { Surroundings } from '../Surroundings.js';
import { isLoopback, readServerUrl, type ServerUrls } from './serverUrl.js';

export const modes = ['agent', 'operator', 'readonly', 'admin'] as const;
export type Mode = (typeof modes)[number];

const MAX_AGENT_ID = 200;

/** Which server, and as whom. */
export interface ServerOptions {
  readonly urls: ServerUrls;
  /** Without one, a person signs in. */
  readonly token?: string;
  readonly agentId?: string;
  readonly mode?: Mode;
  readonly clientId?: string;
  readonly callbackPort?: number;
  readonly browser: boolean;
}

/** Who is calling, and narrowed to what. */
export type Caller = Pick<ServerOptions, 'agentId' | 'mode'>;

/** As commander hands them over. */
interface GivenOptions {
  url?: string;
  token?: string;
  tokenEnv?: string;
  agentId?: string;
  mode?: string;
  clientId?: string;
  callbackPort?: string;
  browser?: boolean;
}

/** Adds the options with which every command that talks to a server finds it. */
export function addServerOptions(command: Command): Command {
  command
    .option('--url <url>', 'the MCP server, or the address of a Callboard backend (env: CALLBOARD_URL)')
    .option('--token <token>', 'bearer token; other users see it in the process list: better use CALLBOARD_TOKEN')
    .option('--token-env <name>', 'name of the variable with the token', 'CALLBOARD_TOKEN');
  return addCallerOptions(command)
    .option('--client-id <id>', 'OAuth client that is registered already (env: CALLBOARD_CLIENT_ID)')
    .option('--callback-port <port>', 'port of this machine that the browser comes back to')
    .option('--no-browser', 'print the sign-in page instead of opening it');
}

/** Adds the options that say who is calling. */
export function addCallerOptions(command: Command): Command {
  return command.option('--agent-id <id>', 'who is calling, for the audit trail (env: CALLBOARD_AGENT_ID)').addOption(
    // What is given in the environment is checked alike, so it is checked below.
    new Option('--mode <mode>', 'profile to narrow calls to (env: CALLBOARD_MODE)').choices(modes).argParser(String),
  );
}

/** @param warn - told of what is given in an unsafe way. */
export function readServerOptions(
  given: GivenOptions,
  { env }: Pick<Surroundings, 'env'>,
  warn: (text: string) => void,
): ServerOptions {
  const url = given.url ?? env.CALLBOARD_URL;
  if (!url) {
    throw new UsageError('Which server? Give its URL with --url or in CALLBOARD_URL');
  }
  const urls = readServerUrl(url, given.url === undefined ? 'CALLBOARD_URL' : '--url');
  const token = readToken(given, env, warn);
  if (token && urls.mcp.protocol === 'http:' && !isLoopback(urls.mcp)) {
    warn(`The token goes to ${urls.mcp.host} unencrypted: use https`);
  }
  return {
    urls,
    ...(token && { token }),
    ...readCaller(given, env),
    ...((given.clientId ?? env.CALLBOARD_CLIENT_ID) && { clientId: given.clientId ?? env.CALLBOARD_CLIENT_ID }),
    ...(given.callbackPort !== undefined && { callbackPort: readPort(given.callbackPort) }),
    browser: given.browser ?? true,
  };
}

export function readCaller(given: Pick<GivenOptions, 'agentId' | 'mode'>, env: Surroundings['env']): Caller {
  const agentId = given.agentId ?? env.CALLBOARD_AGENT_ID;
  if (agentId && (agentId.length > MAX_AGENT_ID || !/^[\x20-\x7e]+$/.test(agentId))) {
    throw new UsageError(`The agent id: expected 1 to ${MAX_AGENT_ID} printable ASCII characters`);
  }
  return {
    ...(agentId && { agentId }),
    ...readMode(given.mode ?? env.CALLBOARD_MODE, given.mode === undefined ? 'CALLBOARD_MODE' : '--mode'),
  };
}

/** Headers that say who is calling; the server narrows what is there by them, and never widens it. */
export function callerHeaders({ agentId, mode }: Caller): Record<string, string> {
  return { ...(agentId && { 'Callboard-Agent-Id': agentId }), ...(mode && { 'Callboard-Profile': mode }) };
}

function readToken(
  { token, tokenEnv = 'CALLBOARD_TOKEN' }: GivenOptions,
  env: Surroundings['env'],
  warn: (text: string) => void,
): string | undefined {
  if (token !== undefined) {
    warn('A token on the command line can be read by other users of this machine: use CALLBOARD_TOKEN');
  }
  const value = token ?? env[tokenEnv];
  if (value === undefined && tokenEnv !== 'CALLBOARD_TOKEN') {
    throw new UsageError(`--token-env: the variable ${tokenEnv} is not set`);
  }
  if (!value) {
    return undefined;
  }
  if (!/^[\x21-\x7e]+$/.test(value)) {
    throw new UsageError(
      `The token${token === undefined ? ` in ${tokenEnv}` : ''}: expected printable ASCII characters without spaces`,
    );
  }
  return value;
}

export function readMode(given: string | undefined, name: string): { mode?: Mode } {
  if (!given) {
    return {};
  }
  if (!modes.includes(given as Mode)) {
    throw new UsageError(`${name}: expected ${modes.join(', ')}, got ${JSON.stringify(given)}`);
  }
  return { mode: given as Mode };
}

function readPort(given: string): number {
  const port = Number(given);
  if (!/^\d+$/.test(given) || port < 1 || port > 65_535) {
    throw new UsageError(`--callback-port: expected 1 to 65535, got ${JSON.stringify(given)}`);
  }
  return port;
}
