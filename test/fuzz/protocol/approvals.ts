import type { JsonObject, JsonValue } from '@backstage/types';
import fc from 'fast-check';
import { hold } from '../engine/expect.js';
import type { Kind } from '../engine/FuzzTarget.js';
import { hostileValue } from '../json/hostileJson.js';
import { mutatedText } from '../json/mutateText.js';
import { type Answered, eventsIn, holdWellFormed, messagesIn } from '../server/answers.js';
import type { HttpWire } from '../server/HttpWire.js';
import { headersOf, openSession, ping } from '../server/sessions.js';
import { type Stage, serviceToken } from '../server/startStage.js';

/** Whose calls need approval, and two who might like to answer for them. */
const callers = {
  asker: { mode: 'safe', profile: 'admin' },
  other: { mode: 'safe', profile: undefined },
  boss: { mode: 'full_access', profile: undefined },
} as const;
type CallerName = keyof typeof callers;

interface Asked {
  readonly tool: string;
  readonly key: string;
}

interface ModernApprovalCase extends Asked {
  /** What comes back in place of what was given out; `{state}` stands for that. */
  readonly state: string;
  readonly responses: JsonValue;
  readonly capabilities: JsonObject;
  readonly by: CallerName;
  readonly toolThen: string;
  readonly keyThen: string;
  readonly serverThen: 'ops' | null;
}

const tools = ['stage.create-it', 'stage.delete-it', 'lights.unlabelled', 'lights.trims'];
const asked = { tool: fc.constantFrom(...tools), key: fc.constantFrom('k', 'l') };
const accept = { action: 'accept', content: {} };
const answers = fc.constantFrom<JsonValue>(
  accept,
  { action: 'decline' },
  { action: 'cancel' },
  { action: 'accept' },
  { action: 'ACCEPT', content: {} },
  { action: ['accept'], content: {} },
  true,
  'accept',
);

const mostly = <T>(usual: T, others: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: others });

const form = { elicitation: {} };

/** In the 2026 era the client carries the state of a question: only the very call that was asked about runs, once, if accepted. */
export const modernApprovals = ({ stage, wire }: { stage: Stage; wire: HttpWire }): Kind<ModernApprovalCase> => ({
  name: 'approvals of the 2026 era',
  weight: 2,
  cases: fc
    .record({
      ...asked,
      state: mostly(
        '{state}',
        mutatedText(fc.constantFrom('{state}', '', 'v1.e30.x'), {
          tokens: ['.', 'A', '=', '_', 'v1.', '{state}', ' ', '%'],
          unchanged: 1,
        }),
      ),
      responses: mostly<JsonValue>(
        { approval: accept },
        fc.oneof(
          answers.map(answer => ({ approval: answer })),
          fc.constantFrom<JsonValue>({}, { Approval: accept }, { __proto__x: accept }, [accept], null),
          hostileValue.map(value => ({ approval: value })),
          hostileValue,
        ),
      ),
      capabilities: mostly<JsonObject>(
        form,
        fc.constantFrom<JsonObject>({}, { elicitation: { form: {} } }, { elicitation: { url: {} } }, { sampling: {} }),
      ),
      by: mostly<CallerName>('asker', fc.constantFrom<CallerName>('other', 'boss')),
      toolThen: mostly('', fc.constantFrom(...tools)),
      keyThen: mostly('', fc.constantFrom('k', 'l', '')),
      serverThen: mostly<'ops' | null>(null, fc.constant('ops' as const)),
    })
    .map(given => ({ ...given, toolThen: given.toolThen || given.tool, keyThen: given.keyThen || given.key })),
  async check(given) {
    const { tool, key } = given;
    const send = (options: {
      by?: CallerName;
      server?: string | null;
      tool?: string;
      key?: string;
      more?: JsonObject;
      capabilities?: JsonObject;
    }) => callModern({ stage, wire, by: 'asker', server: null, tool, key, more: {}, capabilities: form, ...options });
    const question = await send({});
    const state: unknown = question.result?.requestState;
    hold(question.result?.resultType === 'input_required' && typeof state === 'string', 'nobody was asked', question);
    hold(stage.monitor.runs.length === 0, 'ran before anybody was asked');

    const isForm =
      JSON.stringify(given.capabilities) === JSON.stringify(form) ||
      JSON.stringify(given.capabilities).includes('"form"');
    const isSame =
      given.state === '{state}' &&
      given.by === 'asker' &&
      given.toolThen === tool &&
      given.keyThen === key &&
      given.serverThen === null;
    const isAccepted = isForm && isSame && isAccept(given.responses);
    if (isAccepted) {
      stage.monitor.approvedKeys.add(key);
    }
    const tampered = await send({
      by: given.by,
      server: given.serverThen,
      tool: given.toolThen,
      key: given.keyThen,
      capabilities: given.capabilities,
      more: { requestState: given.state.replaceAll('{state}', state), inputResponses: given.responses },
    });
    stage.check();
    const ranAsked = stage.monitor.runs.filter(({ call }) => call?.principal.includes('safe/admin')).length;
    hold(
      ranAsked === (isAccepted ? 1 : 0),
      isAccepted ? 'did not run although it was accepted' : 'ran although nobody accepted',
      tampered,
    );

    // Whatever came of it, the question is answered once more, and in vain if it was answered before.
    const again = await send({
      more: { requestState: state, inputResponses: { approval: isAccepted ? accept : { action: 'decline' } } },
    });
    hold(
      stage.monitor.runs.filter(({ call }) => call?.principal.includes('safe/admin')).length === ranAsked,
      'ran a second time',
      again,
    );
    await ping({ stage, wire });
    stage.check();
  },
});

function isAccept(responses: JsonValue): boolean {
  const { approval } = (responses ?? {}) as { approval?: { action?: unknown; content?: unknown } };
  const isContent =
    approval?.content === undefined || (typeof approval.content === 'object' && approval.content !== null);
  return approval?.action === 'accept' && isContent;
}

async function callModern(options: {
  stage: Stage;
  wire: HttpWire;
  by: CallerName;
  server: string | null;
  tool: string;
  key: string;
  more: JsonObject;
  capabilities: JsonObject;
}): Promise<Answered> {
  const { stage, wire, by, server, tool, key, more, capabilities } = options;
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: {
      name: tool,
      arguments: { key },
      ...more,
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': capabilities,
      },
    },
  });
  const answer = await wire.send({
    path: `${stage.mcpPath}${server ? `/${server}` : ''}`,
    headers: { ...headersOf(serviceToken(callers[by]), '2026-07-28'), 'Mcp-Method': 'tools/call', 'Mcp-Name': tool },
    body,
  });
  holdWellFormed(answer, body);
  const message = messagesIn(answer).at(-1) ?? {};
  hold(message.error?.code !== -32_603, 'an internal error', answer.text);
  return message;
}

interface SessionApprovalCase extends Asked {
  /** The answer to the question; `{id}` stands for the id of the question. */
  readonly answer: JsonValue;
  readonly by: CallerName;
  readonly session: 'same' | 'none' | 'forged';
}

/** In sessions the server asks by a request of its own: only the session that was asked can answer, and only to that. */
export const sessionApprovals = ({ stage, wire }: { stage: Stage; wire: HttpWire }): Kind<SessionApprovalCase> => ({
  name: 'approvals in sessions',
  weight: 1,
  cases: fc.record({
    ...asked,
    answer: mostly<JsonValue>(
      { jsonrpc: '2.0', id: '{id}', result: accept },
      fc.oneof(
        answers.map(result => ({ jsonrpc: '2.0', id: '{id}', result })),
        hostileValue.map(result => ({ jsonrpc: '2.0', id: '{id}', result })),
        hostileValue.map(id => ({ jsonrpc: '2.0', id, result: accept })),
        fc.constant({ jsonrpc: '2.0', id: '{id}', error: { code: -1, message: 'no' } }),
        fc.constant<JsonValue>([{ jsonrpc: '2.0', id: '{id}', result: accept }]),
        fc.constant({ id: '{id}', result: accept }),
      ),
    ),
    by: mostly<CallerName>('asker', fc.constantFrom<CallerName>('other', 'boss')),
    session: mostly<'same' | 'none' | 'forged'>('same', fc.constantFrom('none', 'forged')),
  }),
  async check(given) {
    const session = await openSession({ stage, wire, caller: callers.asker, capabilities: form });
    try {
      await answerInSession({ stage, wire, given, session });
    } finally {
      await session.end();
    }
    await ping({ stage, wire });
    stage.check();
  },
});

async function answerInSession(options: {
  stage: Stage;
  wire: HttpWire;
  given: SessionApprovalCase;
  session: Awaited<ReturnType<typeof openSession>>;
}): Promise<void> {
  const { stage, wire, given, session } = options;
  const { tool, key } = given;
  const call = { jsonrpc: '2.0', id: 'call', method: 'tools/call', params: { name: tool, arguments: { key } } };
  const stream = await wire.open({ path: stage.mcpPath, headers: session.headers, body: JSON.stringify(call) });
  const text = await stream.waitFor(seen => seen.includes('elicitation/create') || seen.includes('"id":"call"'));
  const question = eventsIn(text)
    .map(({ data = '' }) => data)
    .filter(data => data.startsWith('{'))
    .map(data => JSON.parse(data) as Answered)
    .find(({ method }) => method === 'elicitation/create');
  hold(question !== undefined, 'nobody was asked', text);

  const isPlain = JSON.stringify(given.answer) === JSON.stringify({ jsonrpc: '2.0', id: '{id}', result: accept });
  const isAnswer = given.by === 'asker' && given.session === 'same' && isForId(given.answer, question.id);
  if (isAnswer && isAccept({ approval: (given.answer as { result: JsonValue }).result })) {
    stage.monitor.approvedKeys.add(key);
  }
  const { 'Mcp-Session-Id': id = '', ...headers } = session.headers;
  const sent = JSON.stringify(given.answer).replaceAll('"{id}"', JSON.stringify(question.id));
  const answered = await wire.send({
    path: stage.mcpPath,
    headers: {
      ...headers,
      Authorization: `Bearer ${serviceToken(callers[given.by])}`,
      ...(given.session !== 'none' && { 'Mcp-Session-Id': given.session === 'same' ? id : `${id.slice(0, -1)}.` }),
    },
    body: sent,
  });
  holdWellFormed(answered, sent);
  if (isPlain && isAnswer) {
    await stream.waitFor(seen => seen.includes('"id":"call"'));
    hold(stage.monitor.runs.length === 1, 'did not run although it was accepted');
  } else if (!stage.monitor.approvedKeys.has(key)) {
    hold(stage.monitor.runs.length === 0, 'ran although nobody accepted', stage.monitor.runs);
  }
  stream.close();
}

/** The SDK reads ids of answers as numbers, so that `""` and `"0"` are the same as 0. */
function isForId(answer: JsonValue, id: unknown): boolean {
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer) || answer.jsonrpc !== '2.0') {
    return false;
  }
  return answer.id === '{id}' || (['string', 'number'].includes(typeof answer.id) && Number(answer.id) === Number(id));
}
