import { setTimeout as sleep } from 'node:timers/promises';
import type { CallToolResult, Client } from '@modelcontextprotocol/client';
import type { Command } from 'commander';
import { CliError, exitCodes, UsageError } from '../errors.js';
import type { Surroundings } from '../Surroundings.js';
import { addServerOptions, readServerOptions } from '../server/serverOptions.js';
import { Output } from '../terminal/Output.js';
import { visibleLine, visibleText } from '../terminal/visibleText.js';
import { findPendingApproval, type PendingApproval } from './approvals.js';
import { findTool, withServer } from './connectActions.js';
import { readInput } from './readInput.js';

/** A person may be asked on the way; who has enough of waiting stops the command. */
const CALL_TIMEOUT_MS = 24 * 60 * 60_000;
const MAX_REASON = 1_000;
const DEFAULT_POLL_SECONDS = 3;

/** `callboard actions call <action> [key=value…]`. */
export function addCallCommand(actions: Command, surroundings: Surroundings): void {
  addServerOptions(
    actions
      .command('call')
      .summary('call an action')
      .description(
        'Calls an action. The input is JSON, or key=value pairs that are read as the action wants them. ' +
          'Where a person has to approve the call, it is asked at the terminal, or the page is printed.',
      )
      .argument('<action>', 'name of the tool, such as todo.create-item, or id of the action, such as todo:create-item')
      .argument('[pairs...]', 'key=value pairs, or - to read JSON from standard input')
      .option('--input <json>', 'the input as JSON')
      .option('--input-file <file>', 'a file with the input as JSON')
      .option('--reason <text>', 'why you call it, for whoever approves')
      .option('--wait', 'if a person has to approve on the page: wait, and call again')
      .option('--poll-seconds <n>', 'how often to look while waiting', String(DEFAULT_POLL_SECONDS))
      .option('--json', 'print the whole result as JSON'),
  ).action(async (name: string, pairs: string[], given) => {
    const output = new Output(surroundings);
    const server = readServerOptions(given, surroundings, output.note.bind(output));
    const reason = readReason(given.reason);
    const pollMs = readSeconds(given.pollSeconds) * 1000;
    const result = await withServer(server, surroundings, async ({ client, listTools }) => {
      const tool = findTool(await listTools(), name);
      const input = await readInput({ ...given, pairs }, tool.inputSchema, surroundings);
      const call = () => callTool(client, tool.name, input, { reason, signal: surroundings.stopSignal });
      return given.wait ? callUntilDecided(call, { output, pollMs, signal: surroundings.stopSignal }) : call();
    });
    report(result, output, given.json === true);
  });
}

async function callTool(
  client: Client,
  name: string,
  input: Record<string, unknown>,
  { reason, signal }: { reason?: string; signal?: AbortSignal },
): Promise<CallToolResult> {
  return (await client.callTool(
    { name, arguments: input, ...(reason && { _meta: { 'callboard/reason': reason } }) },
    { timeout: CALL_TIMEOUT_MS, ...(signal && { signal }) },
  )) as CallToolResult;
}

/** Makes the same call again until it is no longer one that waits for a person. */
async function callUntilDecided(
  call: () => Promise<CallToolResult>,
  { output, pollMs, signal }: { output: Output; pollMs: number; signal?: AbortSignal },
): Promise<CallToolResult> {
  let shownId: string | undefined;
  for (;;) {
    const result = await call();
    const approval = findPendingApproval(result);
    // Another approval than before: the first one has ended without a decision.
    if (!approval || (shownId !== undefined && approval.id !== shownId)) {
      return result;
    }
    if (shownId === undefined) {
      output.note(describePending(approval));
      output.note('Waiting for the decision …');
    }
    shownId = approval.id;
    await sleep(pollMs, undefined, { signal });
  }
}

function report(result: CallToolResult, output: Output, isJson: boolean): void {
  const approval = findPendingApproval(result);
  if (isJson) {
    output.printJson(result);
  }
  if (approval) {
    throw new CliError(describePending(approval), { exitCode: exitCodes.approvalPending });
  }
  if (result.isError) {
    throw new CliError(visibleText(textOf(result)) || 'The action failed', { exitCode: exitCodes.failed });
  }
  if (!isJson) {
    printResult(result, output);
  }
}

function describePending({ url, expiresAt }: PendingApproval): string {
  return `A person has to approve this call first${url ? `:\n${visibleLine(url)}` : ''}${
    expiresAt ? `\nThen make the same call again, until ${visibleLine(expiresAt)}` : ''
  }`;
}

function printResult(result: CallToolResult, output: Output): void {
  const { structuredContent } = result;
  if (structuredContent === undefined) {
    output.print(visibleText(textOf(result)));
  } else if (output.isTerminal && isFlat(structuredContent)) {
    output.printTable(
      undefined,
      Object.entries(structuredContent as Record<string, unknown>).map(([key, value]) => [
        output.style('bold', visibleLine(key)),
        visibleText(value === null ? '' : String(value)),
      ]),
    );
  } else {
    output.printJson(structuredContent);
  }
}

function isFlat(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.keys(value).length > 0 &&
    Object.values(value).every(field => field === null || typeof field !== 'object')
  );
}

/** What is not text is named instead of shown. */
function textOf({ content = [] }: CallToolResult): string {
  return content
    .map(part => {
      switch (part.type) {
        case 'text':
          return part.text;
        case 'resource_link':
          return `[${part.name}: ${part.uri}]`;
        case 'resource':
          return 'text' in part.resource ? part.resource.text : `[${part.resource.uri}]`;
        default:
          return `[${part.type}; --json shows it]`;
      }
    })
    .join('\n');
}

function readReason(given: string | undefined): string | undefined {
  if (given !== undefined && given.length > MAX_REASON) {
    throw new UsageError(`--reason: expected at most ${MAX_REASON} characters, got ${given.length}`);
  }
  return given;
}

function readSeconds(given: string): number {
  const seconds = Number(given);
  if (!(seconds >= 0.1 && seconds <= 3600)) {
    throw new UsageError(`--poll-seconds: expected 0.1 to 3600, got ${JSON.stringify(given)}`);
  }
  return seconds;
}
