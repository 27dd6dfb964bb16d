import { posix, win32 } from 'node:path';
import type { Surroundings } from '../Surroundings.js';

export const clientNames = ['cursor', 'claude-desktop', 'claude-code', 'vscode', 'codex'] as const;
export type ClientName = (typeof clientNames)[number];
export const scopes = ['project', 'user'] as const;
export type Scope = (typeof scopes)[number];

/** How a client is told of an MCP server. */
export interface ServerEntry {
  /** Absent where there is only a program. */
  readonly url?: string;
  readonly token?: string;
  /** Name of the variable with the token. */
  readonly tokenEnv?: string;
  /** What a client starts that does not connect by itself. */
  readonly program?: {
    readonly command: string;
    readonly args: readonly string[];
    readonly env: Record<string, string>;
  };
}

type Place = Pick<Surroundings, 'env' | 'platform' | 'cwd' | 'homeDir'>;

/** A client's own way of keeping MCP servers. */
export interface ClientFormat {
  readonly title: string;
  readonly format: 'json' | 'jsonc' | 'toml';
  /** Under which key of the file the servers are. */
  readonly serversKey: string;
  readonly defaultScope: Scope;
  /** Knows no URLs, only commands. */
  readonly needsBridge?: true;
  /** Where the file is; `undefined` if the client has none for the scope. */
  locate(scope: Scope, place: Place): string | undefined;
  /** What stands for a variable of the client's environment; `undefined` if nothing does. */
  readonly variable?: (name: string) => string;
  /** Fields that this command writes; others of an entry are the user's. */
  readonly ownFields: readonly string[];
  describe(entry: ServerEntry): Record<string, unknown>;
  /** What the person does next. */
  readonly next: string;
  /** The same where the client starts a program, if it is something else. */
  readonly nextWithProgram?: string;
}

const remoteFields = ['url', 'headers'];
const commandFields = ['command', 'args', 'env'];

export const clients: Readonly<Record<ClientName, ClientFormat>> = {
  cursor: {
    title: 'Cursor',
    format: 'jsonc',
    serversKey: 'mcpServers',
    defaultScope: 'project',
    locate: (scope, place) => join(place, scope === 'project' ? place.cwd : place.homeDir, '.cursor', 'mcp.json'),
    variable: name => `\${env:${name}}`,
    ownFields: [...remoteFields, ...commandFields, 'type'],
    describe: entry => describeJson(entry, { variable: name => `\${env:${name}}` }),
    next: 'Connect it in the settings of Cursor, under MCP.',
  },
  'claude-desktop': {
    title: 'Claude Desktop',
    format: 'json',
    serversKey: 'mcpServers',
    defaultScope: 'user',
    needsBridge: true,
    locate: (scope, place) =>
      scope === 'project' ? undefined : join(place, applicationData(place), 'Claude', 'claude_desktop_config.json'),
    ownFields: commandFields,
    describe: entry => describeJson(entry, {}),
    next: 'Quit Claude Desktop and start it again.',
  },
  'claude-code': {
    title: 'Claude Code',
    format: 'json',
    serversKey: 'mcpServers',
    defaultScope: 'project',
    locate: (scope, place) =>
      scope === 'project'
        ? join(place, place.cwd, '.mcp.json')
        : join(place, place.env.CLAUDE_CONFIG_DIR || place.homeDir, '.claude.json'),
    variable: name => `\${${name}}`,
    ownFields: [...remoteFields, ...commandFields, 'type'],
    describe: entry => describeJson(entry, { variable: name => `\${${name}}`, hasType: true }),
    next: 'Run /mcp in Claude Code.',
  },
  vscode: {
    title: 'VS Code',
    format: 'jsonc',
    serversKey: 'servers',
    defaultScope: 'project',
    locate: (scope, place) =>
      scope === 'project'
        ? join(place, place.cwd, '.vscode', 'mcp.json')
        : join(place, applicationData(place), 'Code', 'User', 'mcp.json'),
    variable: name => `\${env:${name}}`,
    ownFields: [...remoteFields, ...commandFields, 'type'],
    describe: entry => describeJson(entry, { variable: name => `\${env:${name}}`, hasType: true }),
    next: 'Start the server: "MCP: List Servers" in the command palette.',
  },
  codex: {
    title: 'Codex',
    format: 'toml',
    serversKey: 'mcp_servers',
    defaultScope: 'user',
    locate: (scope, place) =>
      scope === 'project'
        ? join(place, place.cwd, '.codex', 'config.toml')
        : place.env.CODEX_HOME
          ? join(place, place.env.CODEX_HOME, 'config.toml')
          : join(place, place.homeDir, '.codex', 'config.toml'),
    ownFields: ['url', 'bearer_token_env_var', 'http_headers', ...commandFields, 'env_vars'],
    describe: describeForCodex,
    next: 'Without a token, run "codex mcp login" with the name of the server.',
    nextWithProgram: 'Start Codex again.',
  },
};

function describeJson(
  { url, token, tokenEnv, program }: ServerEntry,
  { variable, hasType = false }: { variable?: (name: string) => string; hasType?: boolean },
): Record<string, unknown> {
  const value = token ?? (tokenEnv && variable?.(tokenEnv));
  if (program) {
    const { command, args, env } = program;
    return {
      ...(hasType && { type: 'stdio' }),
      command,
      args: [...args],
      env: { ...env, ...(value && { CALLBOARD_TOKEN: value }) },
    };
  }
  return {
    ...(hasType && { type: 'http' }),
    url,
    ...(value && { headers: { Authorization: `Bearer ${value}` } }),
  };
}

function describeForCodex({ url, token, tokenEnv, program }: ServerEntry): Record<string, unknown> {
  if (program) {
    return {
      command: program.command,
      args: [...program.args, ...(tokenEnv ? ['--token-env', tokenEnv] : [])],
      // Codex hands on to servers what is named here, and not the rest of its environment.
      ...(tokenEnv && { env_vars: [tokenEnv] }),
      env: { ...program.env, ...(token && { CALLBOARD_TOKEN: token }) },
    };
  }
  return {
    url,
    ...(tokenEnv && { bearer_token_env_var: tokenEnv }),
    ...(token && { http_headers: { Authorization: `Bearer ${token}` } }),
  };
}

/** Where applications of the desktop keep what belongs to a person. */
function applicationData({ env, platform, homeDir }: Place): string {
  switch (platform) {
    case 'win32':
      return env.APPDATA ?? win32.join(homeDir, 'AppData', 'Roaming');
    case 'darwin':
      return posix.join(homeDir, 'Library', 'Application Support');
    default:
      return env.XDG_CONFIG_HOME || posix.join(homeDir, '.config');
  }
}

/** As paths are written on the platform that is asked about. */
function join({ platform }: Place, ...parts: string[]): string {
  return (platform === 'win32' ? win32 : posix).join(...parts);
}
