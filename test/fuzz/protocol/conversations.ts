import type { JsonValue } from '@backstage/types';
import fc from 'fast-check';
import { hold } from '../engine/expect.js';
import type { Kind } from '../engine/FuzzTarget.js';
import { mutatedJson } from '../json/mutateJson.js';
import { jsonTokens, mutatedText } from '../json/mutateText.js';
import { readNaively } from '../json/naiveJson.js';
import { type Answered, eventsIn, holdWellFormed, messagesIn } from '../server/answers.js';
import type { HttpWire, WireAnswer } from '../server/HttpWire.js';
import type { KnownCaller } from '../server/rules.js';
import { headersOf, ping } from '../server/sessions.js';
import { type Stage, serviceToken } from '../server/startStage.js';
import { messageKeys, messages, messageValues } from './messages.js';

interface Step {
  readonly method: 'POST' | 'GET' | 'DELETE';
  readonly body: string;
  /** Of the header, if there is one. */
  readonly version: string | null;
  /** `{session}` stands for the last that was opened. */
  readonly session: string | null;
  /** `{event}` stands for the last event that came. */
  readonly lastEventId: string | null;
  readonly accept: string;
  readonly isModern: boolean;
  /** Whether somebody else sends it, who may do the same. */
  readonly isByOther: boolean;
}

interface ConversationCase {
  readonly caller: Pick<KnownCaller, 'mode' | 'profile'>;
  readonly server: 'ops' | null;
  readonly isOpened: boolean;
  readonly steps: readonly Step[];
}

const other = { mode: 'full_access', profile: 'admin' } as const;

/** As the product reads bodies. */
const LIMITS = { maxDepth: 64, maxKeys: 10_000 };
const versions = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05', '2026-07-28', '2030-01-01', ''];

const body = (isModern: boolean): fc.Arbitrary<string> =>
  mutatedText(
    mutatedJson(messages(isModern), { keys: messageKeys, values: messageValues, unchanged: 2 }).map(value =>
      JSON.stringify(value),
    ),
    { tokens: jsonTokens, unchanged: 12, maxMutations: 2 },
  ).map(text => text.toWellFormed());

const sessionIds = mutatedText(fc.constant('{session}'), {
  tokens: ['x', '-', '{session}', '.', '%', '='],
  unchanged: 12,
  maxMutations: 1,
});
const eventIds = mutatedText(fc.constantFrom('{event}', '{event}', '{event}', 'x', '', '1'), {
  tokens: ['.', '0', 'z', '-', '_', '{event}'],
  unchanged: 2,
  maxMutations: 1,
});

const step: fc.Arbitrary<Step> = fc.constantFrom(false, false, true).chain(isModern =>
  fc.record({
    method: fc.constantFrom('POST', 'POST', 'POST', 'POST', 'POST', 'POST', 'GET', 'DELETE'),
    body: body(isModern),
    version: fc.oneof(
      { weight: 6, arbitrary: fc.constant(isModern ? '2026-07-28' : null) },
      { weight: 4, arbitrary: fc.constantFrom(...versions) },
    ),
    session: fc.oneof({ weight: isModern ? 8 : 2, arbitrary: fc.constant(null) }, { weight: 4, arbitrary: sessionIds }),
    lastEventId: fc.option(eventIds, { freq: 3 }),
    accept: fc.constantFrom(
      'application/json, text/event-stream',
      'application/json, text/event-stream',
      'application/json',
      '*/*',
      'text/event-stream',
      '',
    ),
    isModern: fc.constant(isModern),
    isByOther: fc.constantFrom(false, false, false, false, false, true),
  }),
);

/** Messages of both eras, in sessions and without, one after the other: each is answered as it has to be, and nothing stays. */
export const conversations = (context: { stage: Stage; wire: HttpWire }): Kind<ConversationCase> => ({
  name: 'conversations',
  weight: 7,
  cases: fc.record({
    caller: fc.record({ mode: fc.constantFrom('full_access', 'read_only'), profile: fc.constant(undefined) }),
    server: fc.constantFrom(null, null, 'ops'),
    isOpened: fc.boolean(),
    steps: fc.array(step, { minLength: 1, maxLength: 4 }),
  }),
  async check(given) {
    const conversation = new Conversation({ ...context, given });
    try {
      if (given.isOpened) {
        await conversation.open();
      }
      for (const each of given.steps) {
        await conversation.take(each);
      }
    } finally {
      await conversation.end();
    }
    await ping(context);
    context.stage.check();
  },
});

class Conversation {
  readonly #stage: Stage;
  readonly #wire: HttpWire;
  readonly #path: string;
  readonly #headers: Record<string, string>;
  readonly #sessions = new Set<string>();
  readonly #sessionsOfOther = new Set<string>();
  #session = 'none';
  #event = 'none';

  constructor({ stage, wire, given }: { stage: Stage; wire: HttpWire; given: ConversationCase }) {
    this.#stage = stage;
    this.#wire = wire;
    this.#path = `${stage.mcpPath}${given.server ? `/${given.server}` : ''}`;
    this.#headers = headersOf(serviceToken(given.caller));
  }

  async open(): Promise<void> {
    const initialize = {
      jsonrpc: '2.0',
      id: 'init',
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'fuzz', version: '1' } },
    };
    this.#see(await this.#wire.send({ path: this.#path, headers: this.#headers, body: JSON.stringify(initialize) }));
    hold(this.#session !== 'none', 'no session was opened');
  }

  async take(step: Step): Promise<void> {
    const { method, isModern, accept } = step;
    const session = step.session?.replaceAll('{session}', this.#session);
    const lastEventId = step.lastEventId?.replaceAll('{event}', this.#event);
    const { 'MCP-Protocol-Version': _version, 'Content-Type': type, ...headers } = this.#headers;
    const read = readNaively(step.body, LIMITS);
    const answer = await this.#wire.send({
      method,
      path: this.#path,
      headers: {
        ...headers,
        ...(step.isByOther && { Authorization: `Bearer ${serviceToken(other)}` }),
        Accept: accept,
        ...(step.version !== null && { 'MCP-Protocol-Version': step.version }),
        ...(session !== undefined && { 'Mcp-Session-Id': session }),
        ...(lastEventId !== undefined && { 'Last-Event-ID': lastEventId }),
        ...(isModern && 'value' in read && routingOf(read.value)),
        ...(method === 'POST' && { 'Content-Type': type as string }),
      },
      ...(method === 'POST' && { body: step.body }),
      ...(staysOpen(step) && { until: () => true }),
    });
    const isOfOther = step.isByOther && session !== undefined && this.#sessions.has(session);
    hold(!isOfOther || answer.status >= 400, 'served a session to somebody else', answer.text);
    if (step.isByOther) {
      this.#note(answer, this.#sessionsOfOther);
    } else {
      this.#see(answer);
    }
    holdWellFormed(answer, step.body);
    if (method === 'POST') {
      checkAnswers(answer, read, step);
    }
  }

  /** Ends every session that was opened on the way. */
  async end(): Promise<void> {
    const { Authorization: _own, ...headers } = this.#headers;
    const ends = [
      ...[...this.#sessions].map(id => ({ ...this.#headers, 'Mcp-Session-Id': id })),
      ...[...this.#sessionsOfOther].map(id => ({
        ...headers,
        Authorization: `Bearer ${serviceToken(other)}`,
        'Mcp-Session-Id': id,
      })),
    ];
    for (const each of ends) {
      const { status } = await this.#wire.send({ method: 'DELETE', path: this.#path, headers: each });
      hold([200, 404].includes(status), `the status ${status} of the end of a session`);
    }
    this.#stage.check();
  }

  #see(answer: WireAnswer): void {
    this.#session = this.#note(answer, this.#sessions) ?? this.#session;
    this.#event = eventsIn(answer.text).findLast(({ id }) => id !== undefined)?.id ?? this.#event;
  }

  #note({ headers }: WireAnswer, sessions: Set<string>): string | undefined {
    const session = headers['mcp-session-id'];
    if (typeof session !== 'string') {
      return undefined;
    }
    sessions.add(session);
    return session;
  }
}

/** The server speaks first on these, or whenever something changes. */
function staysOpen({ method, body: text }: Step): boolean {
  return method === 'GET' || text.includes('subscriptions/listen');
}

/** What a client of the 2026 era repeats in headers, where it can. */
function routingOf(message: unknown): Record<string, string> {
  const { method, params } = (message ?? {}) as { method?: unknown; params?: { name?: unknown; uri?: unknown } };
  const name = params?.name ?? params?.uri;
  const isHeader = (value: unknown): value is string => typeof value === 'string' && /^[\x21-\x7e]*$/.test(value);
  return { ...(isHeader(method) && { 'Mcp-Method': method }), ...(isHeader(name) && { 'Mcp-Name': name }) };
}

interface Sent {
  readonly id?: JsonValue;
  readonly method?: JsonValue;
}

/** Holds answers against what was asked: each question once at most, by its id, and nothing else is answered. */
function checkAnswers(answer: WireAnswer, read: ReturnType<typeof readNaively>, { isModern, version }: Step): void {
  const answers = messagesIn(answer).filter(message => message.method === undefined);
  if ('problem' in read) {
    hold(answer.status >= 400, 'took what is no JSON', read.problem, answer.text);
    return;
  }
  const sent = [read.value]
    .flat()
    .filter((message): message is Sent => typeof message === 'object' && message !== null);
  const asked = sent
    .filter(({ id, method }) => id !== undefined && method !== undefined)
    .map(({ id }) => JSON.stringify(id));
  const answered = answers.map(({ id }) => JSON.stringify(id ?? null));
  for (const id of answered) {
    hold(id === 'null' || asked.includes(id), 'an answer to what was not asked', answer.text);
  }
  hold(
    new Set(answered).size === answered.length || answered.every(id => id === 'null'),
    'two answers to one question',
    answer.text,
  );
  hold(!answers.some(isInternalError), 'an internal error', answer.text);
  const [only] = sent;
  const isOneCall =
    sent.length === 1 &&
    !Array.isArray(read.value) &&
    (typeof only?.id === 'string' || Number.isInteger(only?.id)) &&
    typeof only?.method === 'string';
  if (isOneCall && answer.status === 200 && !isModern && version === null) {
    hold(
      answered.length === 1 && answered[0] === JSON.stringify(only?.id),
      'a question without its answer',
      answer.text,
    );
  }
}

const isInternalError = ({ error }: Answered) => error?.code === -32_603;
