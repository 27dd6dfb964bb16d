import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { GivenToken } from '../auth/Authorization.js';
import { authorizedFetch } from '../auth/authorizedFetch.js';
import { Bridge } from '../bridge/Bridge.js';
import { CliError, describeCause, exitCodes, UsageError } from '../errors.js';
import type { Surroundings } from '../Surroundings.js';
import { createHttpClient } from '../server/httpClient.js';
import { addCallerOptions, callerHeaders, readCaller } from '../server/serverOptions.js';
import { mcpPath, readServerKey } from '../server/serverUrl.js';
import { findEntry } from './findEntry.js';
import { oneStartAtATime } from './oneStartAtATime.js';
import { ProjectBackend } from './ProjectBackend.js';
import { checkServer } from './readiness.js';
import { StartLog } from './StartLog.js';

const examples = `
Examples:
  callboard mcp
  callboard mcp --project ~/portal --server reading
  callboard mcp --entry packages/backend/dist/index.cjs.js --config app-config.yaml --config mine.yaml
  callboard client-config --client cursor --local --write`;

interface Given {
  project?: string;
  entry?: string;
  config?: string[];
  server?: string;
  agentId?: string;
  mode?: string;
  verbose?: boolean;
}

/** `callboard mcp`: for clients that start a program and speak with it, where there is no server yet. */
export function addMcpCommand(program: Command, surroundings: Surroundings): void {
  const command = program
    .command('mcp')
    .summary('run an MCP server over stdio, without any other server')
    .description(
      'Starts the Backstage backend of a project in this process, and speaks MCP with the client that has started ' +
        'this command. Only this machine reaches the backend, on a free port, with a token of this run.',
    )
    .option('--project <folder>', 'the folder of the project; the current one, if absent')
    .option('--entry <module or file>', 'what starts the backend; @callboard/backend, if absent')
    .option('--config <file...>', 'configuration files; those of the project, if absent')
    .option('--server <key>', 'a named MCP server')
    .option('--verbose', 'show the log of the backend from its beginning, on standard error')
    .addHelpText('after', examples);
  addCallerOptions(command).action((given: Given) => serve(given, surroundings));
}

async function serve(given: Given, surroundings: Surroundings): Promise<void> {
  const { stdin, stderr, env, cwd } = surroundings;
  const caller = readCaller(given, env);
  const serverKey = readServerKey(given.server, '--server');
  const folder = resolve(cwd, given.project ?? '.');
  const configFiles = (given.config ?? []).map(file => resolve(folder, file));
  checkPlaces(folder, configFiles);
  const entry = findEntry(folder, given.entry);
  const isVerbose = given.verbose === true;
  const log = new StartLog({ target: stderr, isShown: isVerbose });
  const output = surroundings.takeStdout?.(log) ?? surroundings.stdout;
  const note = (text: string) => stderr.write(`callboard: ${text}\n`);
  const signal = surroundings.stopSignal ?? new AbortController().signal;
  const http = createHttpClient({ hasProxies: false });
  try {
    if (folder !== cwd) {
      // Backstage looks for the files of the project from here.
      process.chdir(folder);
    }
    const start = () =>
      ProjectBackend.start({
        ...{ entry, configFiles, isVerbose, signal },
        fetch: http.fetch,
        onFailure: () => log.show(),
      });
    const backend = await oneStartAtATime({ entry, surroundings, signal, work: start });
    let failure: CliError | undefined;
    try {
      const fetch = authorizedFetch(http.fetch, new GivenToken(backend.token));
      const url = new URL(backend.origin + mcpPath(serverKey));
      log.forget();
      await checkServer({ url, fetch, ...(serverKey !== undefined && { serverKey }) });
      note(`Ready; its pages are at http://localhost:${url.port}`);
      await new Bridge({ url, fetch, headers: callerHeaders(caller), input: stdin, output, note }).run(signal);
    } catch (error) {
      // Said before the backend, asked to stop, ends the process.
      note(describeCause(error));
      const exitCode = error instanceof CliError ? error.exitCode : exitCodes.failed;
      failure = new CliError('', { exitCode, cause: error });
    }
    await http.close();
    await backend.stop({ exitCode: failure?.exitCode ?? exitCodes.ok });
    if (failure) {
      throw failure;
    }
  } finally {
    await http.close();
  }
}

/** The messages of a backend about them would be less clear. */
function checkPlaces(folder: string, configFiles: readonly string[]): void {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UsageError(`--project: there is no folder ${folder}`);
  }
  const missing = configFiles.filter(file => !statSync(file, { throwIfNoEntry: false })?.isFile());
  if (missing.length > 0) {
    throw new UsageError(`--config: there is no file ${missing.join(', ')}`);
  }
}
