import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { CliError, describeCause, exitCodes, UsageError } from '../errors.js';
import type { Fetch } from '../server/httpClient.js';
import { waitUntilReady } from './readiness.js';

const START_LIMIT_MS = 120_000;
const STOP_LIMIT_MS = 10_000;
const HOST = '127.0.0.1';
/** Who calls, for configuration, approvals and the trail. */
const SUBJECT = 'stdio';
const TOKEN_VARIABLE = 'APP_CONFIG_backend_auth_externalAccess';

/** A Backstage backend in this process, reachable from this machine only, with a token that nobody else knows. */
export class ProjectBackend {
  /** Without a slash at the end. */
  readonly origin: string;
  readonly token: string;
  readonly #signals: SignalWatch;

  private constructor(options: { origin: string; token: string; signals: SignalWatch }) {
    this.origin = options.origin;
    this.token = options.token;
    this.#signals = options.signals;
  }

  /**
   * Loads the file that starts the backend, with configuration of this run on top, and waits until every plugin is
   * ready. The file may start it any way it likes; that it ends the process where the start fails is left to it.
   *
   * @param options.configFiles - absolute; those of the project, if empty.
   * @param options.onFailure - called before the process ends or an error is thrown.
   * @throws CliError if it does not start.
   */
  static async start(options: {
    entry: string;
    configFiles: readonly string[];
    isVerbose: boolean;
    fetch: Fetch;
    onFailure: () => void;
    signal: AbortSignal;
  }): Promise<ProjectBackend> {
    const { entry, configFiles, isVerbose, fetch, onFailure, signal } = options;
    const port = await findFreePort();
    const token = randomBytes(32).toString('base64url');
    process.argv = [process.execPath, entry, ...configFiles.flatMap(file => ['--config', file])];
    configure({ port, token, isVerbose });
    const signals = new SignalWatch();
    const over = new AbortController();
    const failure = watchFailure({ over: over.signal, onFailure });
    const origin = `http://${HOST}:${port}`;
    try {
      const started = importEntry(entry).then(() =>
        waitUntilReady({ origin, fetch, limitMs: START_LIMIT_MS, signal: AbortSignal.any([signal, over.signal]) }),
      );
      await Promise.race([started, failure]);
    } catch (error) {
      if (!signal.aborted) {
        onFailure();
      }
      throw error;
    } finally {
      over.abort();
      // Processes that the backend starts have no use for it.
      delete process.env[TOKEN_VARIABLE];
    }
    return new ProjectBackend({ origin, token, signals });
  }

  /**
   * Has the backend stop as a signal would: Backstage ends the process when everything has stopped.
   *
   * @param options.exitCode - what the process ends with, if all stops well.
   */
  async stop({ exitCode }: { exitCode: number }): Promise<void> {
    process.once('exit', code => {
      process.exitCode = code || exitCode;
    });
    if (!this.#signals.hasCome) {
      process.emit('SIGTERM', 'SIGTERM');
    }
    this.#signals.close();
    if (process.listenerCount('SIGTERM') > 0) {
      await sleep(STOP_LIMIT_MS);
    }
  }
}

/** Knows whether the backend has been told to stop already. */
class SignalWatch {
  hasCome = false;
  readonly #notice = () => {
    this.hasCome = true;
  };

  constructor() {
    process.on('SIGTERM', this.#notice).on('SIGINT', this.#notice);
  }

  close(): void {
    process.off('SIGTERM', this.#notice).off('SIGINT', this.#notice);
  }
}

async function importEntry(entry: string): Promise<void> {
  try {
    await import(pathToFileURL(entry).href);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ERR_UNKNOWN_FILE_EXTENSION' || (/\.[cm]?tsx?$/.test(entry) && error instanceof SyntaxError)) {
      throw new UsageError(
        `${entry}: Node ${process.versions.node} cannot load this file (${describeCause(error)}). Compile it to JavaScript, use a Node that strips types, or name a loader in NODE_OPTIONS`,
        { cause: error },
      );
    }
    throw new CliError(`The backend did not start: ${describeCause(error)}`, {
      exitCode: exitCodes.failed,
      cause: error,
    });
  }
}

/**
 * Fails when the backend does: a file that does not wait for the start shows it as a rejection that nobody handles,
 * and some end the process.
 */
function watchFailure({ over, onFailure }: { over: AbortSignal; onFailure: () => void }): Promise<never> {
  return new Promise((_, reject) => {
    const before = process.listenerCount('unhandledRejection');
    const onRejection = (reason: unknown) => {
      // Backstage listens as soon as it has a log, and then goes on; without it, Node would end the process.
      const isHandled = process.listenerCount('unhandledRejection') > before + 1;
      if (!isHandled || (reason as Error | undefined)?.name === 'BackendStartupError') {
        const message = `The backend did not start: ${describeCause(reason)}`;
        reject(new CliError(message, { exitCode: exitCodes.failed, cause: reason }));
      }
    };
    const onExit = (code: number) => {
      onFailure();
      process.stderr.write('callboard: The backend has ended the process before it was ready\n');
      process.exitCode = code || exitCodes.failed;
    };
    process.on('unhandledRejection', onRejection).on('exit', onExit);
    over.addEventListener('abort', () => {
      process.off('unhandledRejection', onRejection).off('exit', onExit);
    });
  });
}

/** Variables are stronger than files, for Backstage's own backend as for Callboard's. */
function configure({ port, token, isVerbose }: { port: number; token: string; isVerbose: boolean }): void {
  const own: Record<string, unknown> = {
    // In this form it covers both that files may have.
    APP_CONFIG_backend_listen: `${HOST}:${port}`,
    APP_CONFIG_backend_baseUrl: `http://localhost:${port}`,
    [TOKEN_VARIABLE]: [{ type: 'static', options: { token, subject: SUBJECT } }],
  };
  const isOwn = (name: string) => Object.keys(own).some(each => name === each || name.startsWith(`${each}_`));
  for (const name of Object.keys(process.env).filter(isOwn)) {
    delete process.env[name];
  }
  for (const [name, value] of Object.entries(own)) {
    process.env[name] = JSON.stringify(value);
  }
  if (!isVerbose) {
    process.env.LOG_LEVEL ??= 'warn';
  }
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, HOST);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
