import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { describeCause, UsageError } from '../errors.js';
import { isPath } from '../mcp/findEntry.js';
import type { Surroundings } from '../Surroundings.js';
import { modes, readMode } from '../server/serverOptions.js';
import { readServerKey, readServerUrl } from '../server/serverUrl.js';
import { Output } from '../terminal/Output.js';
import {
  type ClientFormat,
  type ClientName,
  clientNames,
  clients,
  type Scope,
  type ServerEntry,
  scopes,
} from './clients.js';
import type { Merge } from './Merge.js';
import { readOrEmpty, replaceFile } from './replaceFile.js';

const DEFAULT_BRIDGE = 'npx -y @callboard/cli';

interface Given {
  client: ClientName;
  url?: string;
  name: string;
  scope?: Scope;
  token?: string;
  tokenEnv?: string;
  bridge?: boolean;
  local?: boolean;
  project?: string;
  entry?: string;
  config?: string[];
  server?: string;
  bridgeCommand?: string;
  agentId?: string;
  mode?: string;
  write?: boolean;
}

/** `callboard client-config`. */
export function addClientConfigCommand(program: Command, surroundings: Surroundings): void {
  program
    .command('client-config')
    .summary('print or write the configuration of an MCP client')
    .description(
      'Prints what a client needs to know a server, or writes it into the file of the client. ' +
        'All else in the file stays, and a copy of it is kept. Without a token, the client signs in.',
    )
    .addOption(new Option('--client <client>', 'the client').choices(clientNames).makeOptionMandatory())
    .option('--url <url>', 'the MCP server (env: CALLBOARD_URL)')
    .option('--name <name>', 'what the client calls the server', 'callboard')
    .addOption(new Option('--scope <scope>', 'for this folder, or for all that you do').choices(scopes))
    .option('--token-env <name>', 'the variable in which the client finds the token')
    .option('--token <token>', 'the token itself, which is then in the file')
    .option('--bridge', 'have the client start "callboard bridge" instead of connecting by itself')
    .option('--local', 'have the client start "callboard mcp", which needs no other server')
    .option('--project <folder>', 'with --local: the folder of the project; the current one, if absent')
    .option('--entry <module or file>', 'with --local: what starts the backend')
    .option('--config <file...>', 'with --local: configuration files')
    .option('--server <key>', 'with --local: a named MCP server')
    .option('--bridge-command <command>', 'how the client starts this program', DEFAULT_BRIDGE)
    .option('--agent-id <id>', 'with --bridge or --local: who is calling; the name of the client, if absent')
    .addOption(
      new Option('--mode <mode>', 'with --bridge or --local: profile to narrow calls to')
        .choices(modes)
        .argParser(String),
    )
    .option('--write', 'write into the file instead of printing')
    .action((given: Given) => configure(given, surroundings));
}

async function configure(given: Given, surroundings: Surroundings): Promise<void> {
  const output = new Output(surroundings);
  const client = clients[given.client];
  const scope = given.scope ?? client.defaultScope;
  const file = client.locate(scope, surroundings);
  if (!file) {
    throw new UsageError(`${client.title} has no configuration for a ${scope}: leave out --scope`);
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(given.name)) {
    throw new UsageError(
      `--name: expected up to 64 letters, digits, ".", "_" and "-", got ${JSON.stringify(given.name)}`,
    );
  }
  if (given.token !== undefined) {
    output.note('The token will stand in the configuration for everybody who can read it: --token-env keeps it out');
  }
  const merge = {
    file,
    path: [client.serversKey, given.name] as const,
    entry: client.describe(readEntry(given, client, surroundings)),
    ownFields: client.ownFields,
  };
  if (!given.write) {
    output.note(`For ${file}:`);
    output.print((await mergeText(client, { ...merge, text: '' })).trimEnd());
    return;
  }
  try {
    const before = await readOrEmpty(file);
    const after = await mergeText(client, { ...merge, text: before });
    if (after === before) {
      output.print(`${file} is up to date.`);
      return;
    }
    const backup = await replaceFile(file, after, { now: surroundings.now, isSecret: given.token !== undefined });
    output.print(`Written: ${file}`);
    if (backup) {
      output.print(`What was in it before: ${backup}`);
    }
    output.print((given.local && client.nextWithProgram) || client.next);
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code ? new UsageError(describeCause(error), { cause: error }) : error;
  }
}

async function mergeText(client: ClientFormat, merge: Merge): Promise<string> {
  if (client.format === 'toml') {
    const { mergeToml } = await import('./mergeToml.js');
    return mergeToml(merge);
  }
  const { mergeJson } = await import('./mergeJson.js');
  return mergeJson({ ...merge, hasComments: client.format === 'jsonc' });
}

/** Each of them is about a server that is somewhere else. */
const remoteOptions = { url: '--url', token: '--token', tokenEnv: '--token-env', bridge: '--bridge' } as const;
const localOptions = { project: '--project', entry: '--entry', config: '--config', server: '--server' } as const;

function readEntry(given: Given, client: ClientFormat, surroundings: Surroundings): ServerEntry {
  const wrong = Object.entries(given.local ? remoteOptions : localOptions).flatMap(([key, option]) =>
    given[key as keyof Given] === undefined ? [] : [option],
  );
  if (wrong.length > 0) {
    throw new UsageError(`${wrong.join(', ')}: ${given.local ? 'not with --local' : 'give --local as well'}`);
  }
  return given.local ? readLocalEntry(given, surroundings) : readRemoteEntry(given, client, surroundings);
}

/** Clients start programs in a folder of their own choice, so that everything is absolute. */
function readLocalEntry(given: Given, { cwd, platform }: Surroundings): ServerEntry {
  const project = resolve(cwd, given.project ?? '.');
  const { mode } = readMode(given.mode, '--mode');
  const server = readServerKey(given.server, '--server');
  const { command, args } = readOwnCommand(given.bridgeCommand ?? DEFAULT_BRIDGE, platform, 'mcp');
  return {
    program: {
      command,
      args: [
        ...args,
        ...['--project', project],
        ...(given.entry === undefined
          ? []
          : ['--entry', isPath(project, given.entry) ? resolve(project, given.entry) : given.entry]),
        ...(given.config ?? []).flatMap(file => ['--config', resolve(project, file)]),
        ...(server === undefined ? [] : ['--server', server]),
      ],
      env: { CALLBOARD_AGENT_ID: given.agentId ?? given.client, ...(mode && { CALLBOARD_MODE: mode }) },
    },
  };
}

function readRemoteEntry(given: Given, client: ClientFormat, { env, platform }: Surroundings): ServerEntry {
  const url = given.url ?? env.CALLBOARD_URL;
  if (!url) {
    throw new UsageError('Which server? Give its URL with --url or in CALLBOARD_URL');
  }
  const { mcp } = readServerUrl(url, given.url === undefined ? 'CALLBOARD_URL' : '--url');
  if (given.token !== undefined && given.tokenEnv !== undefined) {
    throw new UsageError('Expected --token or --token-env, got both');
  }
  if (given.tokenEnv !== undefined && !/^[A-Za-z_][A-Za-z0-9_]*$/.test(given.tokenEnv)) {
    throw new UsageError(`--token-env: expected the name of a variable, got ${JSON.stringify(given.tokenEnv)}`);
  }
  if (given.tokenEnv !== undefined && client.format !== 'toml' && !client.variable) {
    throw new UsageError(
      `${client.title} hands no variables on: leave out --token-env to sign in with the browser, or give --token`,
    );
  }
  const hasBridge = given.bridge === true || client.needsBridge === true;
  const { mode } = readMode(given.mode, '--mode');
  if (!hasBridge && (given.agentId !== undefined || mode !== undefined)) {
    throw new UsageError(
      '--agent-id and --mode are for a program that the client starts: give --bridge or --local as well',
    );
  }
  return {
    url: mcp.href,
    ...(given.token !== undefined && { token: given.token }),
    ...(given.tokenEnv !== undefined && { tokenEnv: given.tokenEnv }),
    ...(hasBridge && {
      program: {
        ...readOwnCommand(given.bridgeCommand ?? DEFAULT_BRIDGE, platform, 'bridge'),
        env: {
          CALLBOARD_URL: mcp.href,
          CALLBOARD_AGENT_ID: given.agentId ?? given.client,
          ...(mode && { CALLBOARD_MODE: mode }),
        },
      },
    }),
  };
}

/** Words with spaces in them stand in quotes. */
function readOwnCommand(
  given: string,
  platform: NodeJS.Platform,
  subcommand: 'bridge' | 'mcp',
): { command: string; args: string[] } {
  const words = [...given.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  const [command, ...args] = words;
  if (!command) {
    throw new UsageError('--bridge-command: expected a command');
  }
  // npx is a script there, which programs cannot start.
  return platform === 'win32' && command === 'npx'
    ? { command: 'cmd', args: ['/c', 'npx', ...args, subcommand] }
    : { command, args: [...args, subcommand] };
}
