import type { Command } from 'commander';
import { CliError, describeCause, exitCodes, NotAllowedError, UnreachableError, UsageError } from '../errors.js';
import type { Surroundings } from '../Surroundings.js';
import { createHttpClient, isNetworkError } from '../server/httpClient.js';
import { addServerOptions, readServerOptions, type ServerOptions } from '../server/serverOptions.js';
import { Output } from '../terminal/Output.js';
import { visibleLine } from '../terminal/visibleText.js';
import { parseJson } from './readInput.js';

const doors = ['mcp', 'http', 'in-process'];
const TIMEOUT_MS = 60_000;

type Verdict = 'passes' | 'refuses' | 'asks' | 'depends';

interface Explanation {
  readonly verdict: Verdict;
  readonly summary: string;
  readonly steps: readonly {
    readonly step: string;
    readonly verdict: Verdict;
    readonly because: string;
    readonly config?: string;
  }[];
}

const exitCodeOf: Readonly<Record<Verdict, number>> = {
  passes: exitCodes.ok,
  refuses: exitCodes.failed,
  asks: exitCodes.approvalPending,
  depends: exitCodes.depends,
};

/** `callboard actions explain <action>`. */
export function addExplainCommand(actions: Command, surroundings: Surroundings): void {
  addServerOptions(
    actions
      .command('explain')
      .summary('say why a call would pass, be asked about or be refused')
      .description(
        'Says, step by step, why a principal may or may not call an action, and which configuration says so. ' +
          'Nothing is called. It asks the safety plugin of the backend, with a token that is good there: ' +
          'signing in to the MCP server does not give one.',
      )
      .argument('<action>', 'id of the action, such as todo:create-item, or name of the tool')
      .option('--principal <name>', 'who would call, such as user:default/ada; you, if absent')
      .option('--client <id>', 'id of the OAuth client that would call')
      .option('--door <door>', `where the call would come in: ${doors.join(', ')}`, 'mcp')
      .option('--server <key>', 'key of the named MCP server; that of the URL, if absent')
      .option('--scopes <scopes>', 'scopes of the access token, with spaces or commas between them')
      .option('--input <json>', 'the input, where the class of the call depends on it')
      .option('--backend-url <url>', 'address of the backend, where the URL of the MCP server does not tell')
      .option('--json', 'print JSON'),
  ).action(async (action: string, given) => {
    const output = new Output(surroundings);
    const server = readServerOptions(given, surroundings, output.note.bind(output));
    if (!doors.includes(given.door)) {
      throw new UsageError(`--door: expected ${doors.join(', ')}, got ${JSON.stringify(given.door)}`);
    }
    const key = given.server ?? (given.door === 'mcp' ? server.urls.serverKey : undefined);
    const explanation = await ask(server, given.backendUrl ?? server.urls.backend, {
      action: action.includes(':') ? action : action.replace('.', ':'),
      door: given.door,
      ...(given.principal !== undefined && { principal: given.principal }),
      ...(given.client !== undefined && { client: given.client }),
      ...(key !== undefined && { server: key }),
      ...(given.scopes !== undefined && { scopes: given.scopes.split(/[ ,]+/).filter(Boolean) }),
      ...(given.input !== undefined && { input: parseJson(given.input, '--input') }),
    });
    if (given.json) {
      output.printJson(explanation);
    } else {
      print(explanation, output);
    }
    const exitCode = exitCodeOf[explanation.verdict] ?? exitCodes.failed;
    if (exitCode !== exitCodes.ok) {
      throw new CliError('', { exitCode });
    }
  });
}

function print({ summary, steps, verdict }: Explanation, output: Output): void {
  // The backend goes by the same order: a refusal before a question, that before a doubt.
  const deciding = verdict === 'passes' ? undefined : steps.find(step => step.verdict === verdict);
  output.print(`${output.style('bold', visibleLine(summary))}\n`);
  output.printTable(
    ['', 'STEP', 'VERDICT', 'CONFIGURATION', 'BECAUSE'],
    steps.map(step => [
      step === deciding ? '→' : '',
      visibleLine(step.step),
      visibleLine(step.verdict),
      visibleLine(step.config ?? ''),
      visibleLine(step.because),
    ]),
  );
}

async function ask(
  { token, urls }: ServerOptions,
  backendUrl: string | undefined,
  body: Record<string, unknown>,
): Promise<Explanation> {
  if (backendUrl === undefined || !URL.canParse(backendUrl)) {
    throw new UsageError(`Where is the backend of ${urls.mcp.href}? Give its address with --backend-url`);
  }
  if (!token) {
    throw new NotAllowedError(
      'explain needs a token that is good for the backend, in CALLBOARD_TOKEN: tokens from signing in are good for the MCP server only',
    );
  }
  const http = createHttpClient();
  const url = `${backendUrl.replace(/\/$/, '')}/api/safety/v1/explain`;
  try {
    const response = await http.fetch(url, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (response.ok) {
      return (await response.json()) as Explanation;
    }
    throw refusalOf(response.status, await readErrorMessage(response), url);
  } catch (error) {
    throw isNetworkError(error)
      ? new UnreachableError(`${new URL(url).origin} does not answer: ${describeCause(error)}`, { cause: error })
      : error;
  } finally {
    await http.close();
  }
}

function refusalOf(status: number, message: string, url: string): CliError {
  switch (status) {
    case 400:
      return new UsageError(message);
    case 401:
    case 403:
      return new NotAllowedError(`${message} (${status})`);
    case 404:
      return new UnreachableError(`There is nothing at ${url}: does the backend have the safety plugin? (404)`);
    default:
      return new CliError(`${message} (${status})`, { exitCode: exitCodes.failed });
  }
}

async function readErrorMessage(response: Response): Promise<string> {
  const body = (await response.json().catch(() => undefined)) as { error?: { message?: unknown } } | undefined;
  const message = body?.error?.message;
  return visibleLine(typeof message === 'string' ? message : `The backend answered with ${response.status}`);
}
