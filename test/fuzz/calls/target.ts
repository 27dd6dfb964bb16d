import type { JsonValue } from '@backstage/types';
import type { ActionEffect } from '@callboard/actions-api';
import fc from 'fast-check';
import { hold, holdEqual, shown } from '../engine/expect.js';
import type { FuzzTarget, OpenTarget } from '../engine/FuzzTarget.js';
import { mutatedJson } from '../json/mutateJson.js';
import { jsonTokens, mutatedText } from '../json/mutateText.js';
import { readNaively } from '../json/naiveJson.js';
import { holdNoLeak, holdWellFormed, messagesIn } from '../server/answers.js';
import { HttpWire } from '../server/HttpWire.js';
import {
  type KnownCaller,
  type Mode,
  modes,
  type Profile,
  profiles,
  rulingOn,
  type ServerKey,
  servers,
} from '../server/rules.js';
import { type Stage, startStage } from '../server/startStage.js';
import { effects, getSubject, idOf, type Subject, subjects, toolOf } from '../server/subjects.js';

const doors = ['in-process', 'http-v1', 'http-v2', 'mcp-2025', 'mcp-2026'] as const;
type Door = (typeof doors)[number];

interface CallCase {
  readonly action: string;
  readonly door: Door;
  readonly server: ServerKey | null;
  /** The profile to which the client narrows itself. */
  readonly asked: Profile | null;
  readonly caller: {
    readonly kind: 'user' | 'service' | 'client';
    readonly mode: Mode;
    readonly profile: Profile | null;
    readonly scopes: readonly string[];
  };
  /** As it is sent, be it JSON or not. */
  readonly input: string;
}

/** As the product reads bodies. */
const LIMITS = { maxDepth: 64, maxKeys: 10_000 };
const scopes = ['actions:read', 'actions:write', 'actions:destructive'];
const keys = [
  'key',
  'as',
  'count',
  'tags',
  'kind',
  'text',
  'children',
  'cells',
  'title',
  'input',
  'secrets',
  'effect',
  'attributes',
];
const values = fc.constantFrom<JsonValue>(...effects, 'text', 'number', 'a', 100, 101, -1, 1.5);

const inputOf = (subject: Subject, isText: boolean) => {
  const json = mutatedJson(subject.input, { keys, values, unchanged: 3 }).map(value => JSON.stringify(value));
  return isText
    ? mutatedText(json, { tokens: jsonTokens, unchanged: 4, maxMutations: 2 }).map(text => text.toWellFormed())
    : json;
};

const caller = fc.record({
  kind: fc.constantFrom('user', 'service', 'client'),
  mode: fc.constantFrom('full_access', ...modes),
  profile: fc.option(fc.constantFrom(...profiles), { freq: 2 }),
  scopes: fc.subarray(scopes),
});

const cases: fc.Arbitrary<CallCase> = fc
  .tuple(fc.constantFrom(...subjects), fc.constantFrom<Door>('in-process', 'in-process', 'in-process', ...doors))
  .chain(([subject, door]) =>
    fc.record({
      action: fc.constant(idOf(subject)),
      door: fc.constant(door),
      server: fc.option(fc.constantFrom(...(Object.keys(servers) as ServerKey[]))),
      asked: fc.option(fc.constantFrom(...profiles), { freq: 2 }),
      caller,
      input: inputOf(subject, door !== 'in-process'),
    }),
  ) as fc.Arbitrary<CallCase>;

/** A call runs exactly if its input is right and the rules let it, at every door, and nobody learns what is inside. */
export const callsTarget: FuzzTarget<CallCase> = {
  name: 'calls',
  about: 'arguments of actions behind schemas of every kind, by callers under rules of every kind, at all doors',
  weight: 9,
  batchSize: 1_000,
  async open(): Promise<OpenTarget<CallCase>> {
    const stage = await startStage();
    const wire = new HttpWire({ port: stage.port });
    return {
      cases,
      check: given => stage.during(() => check({ stage, wire, given })),
      settle: () => stage.settle(),
      async close() {
        wire.close();
        await stage.stop();
      },
    };
  },
};

interface Context {
  readonly stage: Stage;
  readonly wire: HttpWire;
  readonly given: CallCase;
}

/** How a call ended for its caller: with its output, or without. */
type Ended = { readonly output: unknown } | { readonly refusal: string };

async function check(context: Context): Promise<void> {
  const { stage, given } = context;
  const subject = getSubject(given.action);
  const read = readNaively(given.input, LIMITS);
  if (given.door === 'in-process' && 'problem' in read) {
    return;
  }

  const ended = await call(context, read);

  stage.check();
  const { runs } = stage.monitor;
  hold(runs.length <= 1, 'one call, several runs', runs);
  const expected = expectedInput(given, subject, read);
  if (!expected) {
    hold(runs.length === 0, 'ran with an input that is not to be taken', runs, ended);
  } else if (expected !== 'unsure') {
    const known = toKnownCall(given, subject, expected.input);
    const isAllowed = isDoorOpen(given) && rulingOn(known) === 'runs';
    hold(runs.length === (isAllowed ? 1 : 0), isAllowed ? 'did not run' : 'ran against the rules', ended, runs);
    if (isAllowed) {
      holdEqual(runs[0]?.input, expected.input, 'ran with another input');
      hold('output' in ended === !subject.fails, 'ended in another way', ended);
    }
  }
  hold('output' in ended === (runs.length === 1 && !subject.fails), 'an answer that is not true', ended, runs);
}

/** Access tokens are good for MCP servers only. */
const isDoorOpen = ({ door, caller: { kind } }: CallCase) =>
  kind !== 'client' || door.startsWith('mcp') || door === 'in-process';

function toKnownCaller({ caller: { kind, mode, profile, scopes: granted }, door }: CallCase): KnownCaller {
  const isClient = kind === 'client' && door.startsWith('mcp');
  return { mode, profile: profile ?? undefined, scopes: isClient ? granted : undefined };
}

function toKnownCall(given: CallCase, subject: Subject, input: unknown) {
  const { door, server, asked } = given;
  const isMcp = door.startsWith('mcp');
  return {
    subject,
    effect: (subject.class === 'as' ? (input as { as: ActionEffect }).as : subject.class) as ActionEffect,
    caller: toKnownCaller(given),
    door: isMcp ? ('mcp' as const) : door === 'in-process' ? ('in-process' as const) : ('http' as const),
    server: (isMcp ? server : null) ?? undefined,
    asked: (isMcp ? asked : null) ?? undefined,
  };
}

/**
 * The input that the handler has to get; undefined if none. Where readers before the schema leave
 * something out, or do not, it is unsure.
 */
function expectedInput(
  { door, input }: CallCase,
  subject: Subject,
  read: ReturnType<typeof readNaively>,
): { input: unknown } | 'unsure' | undefined {
  const whole = door === 'in-process' ? read : readNaively(wrap(door, input), LIMITS);
  if ('problem' in whole || 'problem' in read) {
    return 'problem' in whole ? undefined : 'unsure';
  }
  const parsed = subject.schema.safeParse(read.value);
  // The copies that others make leave such keys out.
  if (input.includes('__proto__') || input.includes('\\u005f')) {
    return 'unsure';
  }
  const isObject = typeof read.value === 'object' && read.value !== null && !Array.isArray(read.value);
  const isTaken = parsed.success && (isObject || !door.startsWith('mcp'));
  const isHeaded = door === 'mcp-2026' && subject.name === 'in-regions';
  return isTaken ? (isHeaded ? 'unsure' : { input: parsed.data }) : undefined;
}

function wrap(door: Door, input: string, tool = ''): string {
  const meta =
    door === 'mcp-2026'
      ? ',"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}'
      : '';
  switch (door) {
    case 'in-process':
    case 'http-v1':
      return input;
    case 'http-v2':
      return `{"input":${input}}`;
    default:
      return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${tool}","arguments":${input}${meta}}}`;
  }
}

async function call(context: Context, read: ReturnType<typeof readNaively>): Promise<Ended> {
  switch (context.given.door) {
    case 'in-process':
      return callInProcess(context, 'value' in read ? (read.value as never) : (null as never));
    case 'http-v1':
    case 'http-v2':
      return callOverHttp(context);
    default:
      return callOverMcp(context);
  }
}

function tokenOf({ stage, given }: Context): string | Promise<string> {
  const { kind, mode, profile, scopes: granted } = given.caller;
  const known = { mode, profile: profile ?? undefined, scopes: granted };
  return kind === 'service'
    ? stage.serviceToken(known)
    : kind === 'user'
      ? stage.userToken(known)
      : stage.accessToken(known);
}

/** Whoever is in the process acts for a person: services become the plugin that calls. */
async function callInProcess({ stage, given }: Context, input: never): Promise<Ended> {
  const { mode, profile } = given.caller;
  const token = await stage.userToken({ mode, profile: profile ?? undefined, scopes: undefined });
  const credentials = await stage.local.authenticate(token);
  try {
    const { output } = await stage.local.actions.invoke({ id: given.action, input, credentials });
    return { output };
  } catch (error) {
    const { name, message } = error as Error;
    hold(
      given.action === 'lights:fails' || /^(Input|NotAllowed|NotFound|ApprovalRequired)Error$/.test(name),
      'another error',
      (error as Error).stack,
    );
    return { refusal: `${name}: ${message}` };
  }
}

async function callOverHttp(context: Context): Promise<Ended> {
  const { given, wire } = context;
  const version = given.door === 'http-v1' ? 'v1' : 'v2';
  const [plugin] = given.action.split(':');
  const body = wrap(given.door, given.input);
  const answer = await wire.send({
    path: `/api/${plugin}/.backstage/actions/${version}/actions/${given.action}/invoke`,
    headers: { Authorization: `Bearer ${await tokenOf(context)}`, 'Content-Type': 'application/json' },
    body,
  });
  holdNoLeak(answer.text, body);
  const isExpected = answer.status < 500 || given.action === 'lights:fails';
  hold(isExpected, `the status ${answer.status}`, answer.text);
  const { output, error } = JSON.parse(answer.text) as { output?: unknown; error?: { name: string; message: string } };
  hold((answer.status === 200) === (error === undefined), 'a status that does not fit', answer.text);
  return error ? { refusal: `${error.name}: ${error.message}` } : { output };
}

async function callOverMcp(context: Context): Promise<Ended> {
  const { given, wire, stage } = context;
  const isModern = given.door === 'mcp-2026';
  const tool = toolOf(getSubject(given.action));
  const body = wrap(given.door, given.input, tool);
  const answer = await wire.send({
    path: `${stage.mcpPath}${given.server ? `/${given.server}` : ''}`,
    headers: {
      Authorization: `Bearer ${await tokenOf(context)}`,
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      'MCP-Protocol-Version': isModern ? '2026-07-28' : '2025-06-18',
      ...(isModern && { 'Mcp-Method': 'tools/call', 'Mcp-Name': tool }),
      ...(given.asked && { 'Callboard-Profile': given.asked }),
    },
    body,
  });
  holdWellFormed(answer, body);
  const messages = messagesIn(answer);
  const message = messages.at(-1);
  hold(messages.length === 1 && message !== undefined, 'not one answer', answer.text);
  hold(message.error?.code !== -32_603 || given.action === 'lights:fails', 'an internal error', answer.text);
  return message.result && !message.result.isError
    ? { output: message.result.structuredContent }
    : { refusal: shown(answer.text) };
}
