import type { JsonObject } from '@backstage/types';
import {
  type Answering,
  ApprovalDesk,
  approvalDeskPlugin,
  type ClientKind,
  clientKinds,
  connectClient,
} from '@callboard/test-utils';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createNotesPlugin } from '../testing/notesPlugin.js';
import { backendOfTwo, initialize, modern, startProbe, TOKENS } from '../testing/startProbe.js';

let app: Awaited<ReturnType<typeof startProbe>>;
let notes: ReturnType<typeof createNotesPlugin>;
let closers: (() => Promise<void>)[];

/** Starts a server on which writes have to be approved; a desk keeps the approvals if one is given. */
async function start(desk?: ApprovalDesk, actions: JsonObject = {}) {
  notes = createNotesPlugin();
  app = await startProbe({
    features: [notes.plugin, ...(desk ? [approvalDeskPlugin(desk)] : [])],
    config: {
      backend: { ...backendOfTwo, actions: { pluginSources: ['notes'], mode: 'safe', ...actions } },
      mcpActions: { servers: { other: { name: 'Other' } } },
    },
  });
  closers.push(app.stop);
}

beforeEach(() => {
  closers = [];
});
afterEach(async () => {
  for (const close of closers.reverse()) {
    await close();
  }
});

async function connect(kind: ClientKind, options: { answer?: Answering; elicitation?: object; token?: string } = {}) {
  const client = await connectClient({ url: app.url, token: TOKENS.ada, kind, ...options });
  closers.push(client.close);
  const write = async (text = 'Tea') => {
    const { isError, content, structuredContent } = await client.callTool('notes.write', { text });
    return { isError: isError ?? false, text: content[0]?.text, structuredContent };
  };
  return { client, write };
}

const decisions = () => notes.recorded.map(({ decision }) => decision);
const nobody = (why: string) =>
  `NotAllowedError: Action "notes:write" needs approval (class create, mode safe), and there is no way to ask a person: ${why}. An operator can let such calls run without approval with the mode full_access (backend.actions.mode).`;

describe.each(clientKinds)('a client that can ask, %s', kind => {
  it('is asked, and the call runs once the person accepts', async () => {
    await start();
    const questions: string[] = [];
    const { write } = await connect(kind, {
      answer: question => {
        questions.push(question);
        return 'accept';
      },
    });

    const result = await write();

    expect(result).toMatchObject({ isError: false, structuredContent: { length: 3 } });
    expect(notes.written).toEqual([{ text: 'Tea' }]);
    expect(questions).toEqual([
      `Approve notes:write (create)?\n\nWrite a note, in ${app.origin}\nA note of 3 letters\n\nArguments: {\n  "text": "Tea"\n}`,
    ]);
    expect(decisions()).toEqual(['needs_approval_asked', 'needs_approval_accepted']);
    expect(notes.recorded[1]).toMatchObject({
      agentId: `test-${kind}`,
      mode: 'safe',
      effect: 'create',
      approval: { id: notes.recorded[0]?.approval?.id, decidedBy: 'ada', channel: 'client' },
    });
  });

  it.each([
    ['decline', 'needs_approval_declined', 'the person who was asked declined'],
    ['cancel', 'needs_approval_cancelled', 'the person who was asked did not decide'],
  ] as const)('to %s keeps the call from running, and the next call asks anew', async (answer, decision, why) => {
    await start();
    const answers: ('accept' | 'decline' | 'cancel')[] = [answer, 'accept'];
    const { write } = await connect(kind, { answer: () => answers.shift() as 'accept' });

    const refused = await write();
    const next = await write();

    expect(refused).toEqual({
      isError: true,
      text: `NotAllowedError: Action "notes:write" did not run: ${why}`,
      structuredContent: undefined,
    });
    expect(next.isError).toBe(false);
    expect(notes.written).toHaveLength(1);
    expect(decisions()).toEqual(['needs_approval_asked', decision, 'needs_approval_asked', 'needs_approval_accepted']);
  });

  it('is asked for every call, also for the same one again', async () => {
    await start();
    let asked = 0;
    const { write } = await connect(kind, {
      answer: () => {
        asked += 1;
        return 'accept';
      },
    });

    await write();
    await write();

    expect(asked).toBe(2);
    expect(notes.written).toHaveLength(2);
  });

  it('is not asked where asking clients is off', async () => {
    await start(undefined, { approval: { elicitation: false } });
    const { write } = await connect(kind, { answer: () => 'accept' });

    const refused = await write();

    expect(refused.text).toBe(
      nobody('asking through the client is off (backend.actions.approval.elicitation), and no plugin keeps approvals'),
    );
    expect(notes.written).toEqual([]);
  });
});

describe.each(clientKinds)('a client that cannot ask, %s', kind => {
  it('is refused with the mode that would let it run, where nobody keeps approvals', async () => {
    await start();
    const { write } = await connect(kind);

    const refused = await write();

    expect(refused).toMatchObject({
      isError: true,
      text: nobody('the client does not support elicitation, and no plugin keeps approvals'),
    });
    expect(notes.written).toEqual([]);
    expect(decisions()).toEqual(['needs_approval_unavailable']);
  });

  it('is told where to have the call approved, and runs it once after that', async () => {
    const desk = new ApprovalDesk();
    await start(desk);
    const { client, write } = await connect(kind);

    const { content, _meta } = (await client.raw.callTool({
      name: 'notes.write',
      arguments: { text: 'Tea' },
    })) as { content: { text: string }[]; _meta: object };
    desk.decide('approved');
    const approved = await write();
    const again = await write();

    expect(content[0]?.text).toMatch(
      /^ApprovalRequiredError: Action "notes:write" needs approval \(class create, mode safe\): it has to be approved by a person first\. Ask for it at https:\/\/callboard\.example\.com\/approvals\/approval-1 /,
    );
    expect(_meta).toMatchObject({
      'callboard/approval': {
        id: 'approval-1',
        url: 'https://callboard.example.com/approvals/approval-1',
        expiresAt: desk.expiresAt,
      },
    });
    expect(approved).toMatchObject({ isError: false });
    expect(again).toMatchObject({ isError: true });
    expect(notes.written).toHaveLength(1);
    expect(decisions()).toEqual(['needs_approval_pending', 'needs_approval_accepted', 'needs_approval_pending']);
  });

  it('takes links only, and is not asked for forms', async () => {
    await start();
    const { write } = await connect(kind, { elicitation: { url: {} } });

    expect((await write()).text).toBe(nobody('the client does not support elicitation, and no plugin keeps approvals'));
    expect(notes.written).toEqual([]);
  });
});

describe('what a client says of elicitation', () => {
  /** Calls within a session that says just that, and answers the first question with `accept`. */
  async function callInSession(elicitation: JsonObject) {
    const opened = await app.send(initialize('2025-11-25', { elicitation }), { token: TOKENS.ada });
    const headers = {
      Authorization: `Bearer ${TOKENS.ada}`,
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      'Mcp-Session-Id': opened.headers.get('mcp-session-id') as string,
      'MCP-Protocol-Version': '2025-11-25',
    };
    const send = (message: object) =>
      fetch(app.url, { method: 'POST', headers, body: JSON.stringify({ jsonrpc: '2.0', ...message }) });
    const params = { name: 'notes.write', arguments: { text: 'Tea' } };
    const { body } = await send({ id: 1, method: 'tools/call', params });
    // biome-ignore lint/suspicious/noExplicitAny: messages are of every shape
    const messages: any[] = [];
    for await (const chunk of (body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream())) {
      for (const [, data] of chunk.matchAll(/^data: (.+)$/gm)) {
        const message = JSON.parse(data as string);
        messages.push(message);
        if (message.method) {
          await send({ id: message.id, result: { action: 'accept', content: {} } });
        }
      }
    }
    return messages;
  }

  it.each([[{}], [{ form: {} }], [{ form: {}, url: {} }]])('%j means that it takes forms', async elicitation => {
    await start();

    const [question, answer] = await callInSession(elicitation);

    expect(question).toMatchObject({
      method: 'elicitation/create',
      params: { mode: 'form', requestedSchema: { type: 'object', properties: {} } },
    });
    expect(answer.result.structuredContent).toEqual({ length: 3 });
  });

  it('{"url":{}} means that it takes links only, and it is not asked', async () => {
    await start();

    const [answer, ...more] = await callInSession({ url: {} });

    expect(answer.result.isError).toBe(true);
    expect(more).toEqual([]);
    expect(notes.written).toEqual([]);
  });
});

describe.each(['sdk-v1-streamable', 'sdk-v1-sse', 'v2-legacy', 'v2-sse'] as const)(
  'a client of the 2025 era that does not ask as it said it could, %s',
  kind => {
    const failing: [string, Parameters<typeof connect>[1]][] = [
      ['fails', { answer: () => Promise.reject(new Error('No window')) }],
      ['has nobody to ask', { elicitation: {} }],
      ['answers something else', { answer: () => 'yes' as never }],
    ];

    it.each(failing)('is refused where nobody keeps approvals: it %s', async (_, options) => {
      await start();
      const { write } = await connect(kind, options);

      const refused = await write();

      expect(refused.text).toBe(nobody('the client did not answer, and no plugin keeps approvals'));
      expect(notes.written).toEqual([]);
      expect(decisions()).toEqual(['needs_approval_asked', 'needs_approval_unavailable']);
    });

    it.each(failing)('is told where to have the call approved: it %s', async (_, options) => {
      const desk = new ApprovalDesk();
      await start(desk);
      const { write } = await connect(kind, options);

      const refused = await write();

      expect(refused.text).toContain('https://callboard.example.com/approvals/approval-1');
      expect(desk.all).toHaveLength(1);
      expect(notes.written).toEqual([]);
      expect(decisions()).toEqual(['needs_approval_asked', 'needs_approval_pending']);
    });

    it('is not waited for longer than the approval is good for', async () => {
      const desk = new ApprovalDesk();
      desk.expiresAt = new Date(Date.now() + 100).toISOString();
      await start(desk);
      const { write } = await connect(kind, { answer: () => new Promise(() => {}) });

      const refused = await write();

      expect(refused.text).toContain('ApprovalRequiredError');
      expect(notes.written).toEqual([]);
    });
  },
);

describe('a client of the 2025 era without a session', () => {
  it('cannot be asked', async () => {
    await start();

    const { json } = await app.call('notes.write', { text: 'Tea' }, { token: TOKENS.ada });

    expect(json.result).toMatchObject({
      isError: true,
      content: [{ text: nobody('the client does not support elicitation, and no plugin keeps approvals') }],
    });
    expect(notes.written).toEqual([]);
  });

  it('cannot bring an answer along either', async () => {
    await start();

    const { json } = await app.request(
      'tools/call',
      {
        name: 'notes.write',
        arguments: { text: 'Tea' },
        requestState: 'state',
        inputResponses: { approval: { action: 'accept', content: {} } },
      },
      { token: TOKENS.ada },
    );

    expect(json.result?.isError ?? json.error).toBeTruthy();
    expect(notes.written).toEqual([]);
  });
});

describe('in the 2026 era', () => {
  const capabilities = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: {} } };
  interface Attempt {
    args?: JsonObject;
    more?: JsonObject;
    meta?: JsonObject;
    token?: string;
    path?: string;
  }
  const attempt = async ({ args = { text: 'Tea' }, more = {}, meta = capabilities, ...options }: Attempt = {}) => {
    const { body, headers } = modern('tools/call', { name: 'notes.write', arguments: args, ...more }, meta);
    const { json } = await app.send(body, { token: TOKENS.ada, headers, ...options });
    return json;
  };
  const accepting = (requestState: unknown, action = 'accept'): JsonObject => ({
    requestState: requestState as string,
    inputResponses: { approval: { action, content: {} } },
  });
  const ask = async () => (await attempt()).result.requestState as string;
  const notOpen =
    'NotAllowedError: The answer is for no open approval of this call of "notes:write": it is for other arguments, was used before or has expired. Make the call anew.';

  it('a call that needs approval is answered with the question and signed state', async () => {
    await start();

    const { result } = await attempt();

    expect(result).toMatchObject({
      resultType: 'input_required',
      requestState: expect.any(String),
      inputRequests: {
        approval: {
          method: 'elicitation/create',
          params: {
            message: expect.stringContaining('Approve notes:write (create)?'),
            requestedSchema: { type: 'object', properties: {} },
          },
        },
      },
    });
    expect(notes.written).toEqual([]);
  });

  it('the same call with state and answer runs, once', async () => {
    await start();
    const state = await ask();

    const first = await attempt({ more: accepting(state) });
    const second = await attempt({ more: accepting(state) });

    expect(first.result.structuredContent).toEqual({ length: 3 });
    expect(second.result).toMatchObject({ isError: true, content: [{ text: notOpen }] });
    expect(notes.written).toEqual([{ text: 'Tea' }]);
    expect(decisions()).toEqual(['needs_approval_asked', 'needs_approval_accepted', 'needs_approval_invalid']);
  });

  it('of 50 uses at once one runs', async () => {
    await start();
    const state = await ask();

    const answers = await Promise.all(Array.from({ length: 50 }, () => attempt({ more: accepting(state) })));

    expect(answers.filter(({ result }) => !result.isError)).toHaveLength(1);
    expect(notes.written).toHaveLength(1);
  });

  it.each<[string, Attempt]>([
    ['other arguments', { args: { text: 'Tea, and everything else' } }],
    ['more arguments', { args: { text: 'Tea', force: true } }],
  ])('state and answer are good for nothing with %s', async (_, changed) => {
    await start();
    const state = await ask();

    const { result } = await attempt({ ...changed, more: accepting(state) });

    expect(result).toMatchObject({ isError: true, content: [{ text: notOpen }] });
    expect(notes.written).toEqual([]);
  });

  it.each<[string, Attempt]>([
    ['another principal', { token: TOKENS.eve }],
    ['another server', { path: '/other' }],
  ])('state is good for nothing with %s', async (_, elsewhere) => {
    await start();
    const state = await ask();

    const { error } = await attempt({ ...elsewhere, more: accepting(state) });

    expect(error).toMatchObject({ code: -32602, message: 'Invalid or expired requestState' });
    expect(notes.written).toEqual([]);
    expect(decisions()).toEqual(['needs_approval_asked', 'needs_approval_invalid']);
  });

  it('state that is changed in any place is good for nothing', async () => {
    await start();
    const state = await ask();
    const changed = Array.from(state, (character, at) => {
      const other = character === 'A' ? 'B' : 'A';
      return `${state.slice(0, at)}${other}${state.slice(at + 1)}`;
    });

    const answers = await Promise.all(
      [...changed, '', 'x', `${state}=`, `${state} `, state.slice(1), state.slice(0, -1)].map(forged =>
        attempt({ more: accepting(forged) }),
      ),
    );

    expect(answers.filter(({ error }) => error?.code !== -32602)).toEqual([]);
    expect(notes.written).toEqual([]);
    expect((await attempt({ more: accepting(state) })).result.isError).toBeUndefined();
  });

  it.each<[string, (state: string) => JsonObject]>([
    ['an answer without state', () => ({ inputResponses: { approval: { action: 'accept', content: {} } } })],
    ['state without an answer', state => ({ requestState: state })],
    ['no answer to the question', state => ({ ...accepting(state), inputResponses: { other: { action: 'accept' } } })],
    [
      'an answer that is inherited',
      state => ({
        ...accepting(state),
        inputResponses: JSON.parse('{"__proto__":{"approval":{"action":"accept","content":{}}}}'),
      }),
    ],
  ])('%s does not run the call; it asks again for the same approval', async (_, more) => {
    const desk = new ApprovalDesk();
    await start(desk);
    const state = await ask();

    const answer = await attempt({ more: more(state) });

    expect(answer.result?.resultType ?? answer.error?.code).toBe('input_required');
    expect(desk.all).toHaveLength(1);
    expect(notes.written).toEqual([]);
  });

  it.each([['yes'], ['ACCEPT'], [''], ['__proto__'], [true], [null], [{}]])('the answer %j is none', async action => {
    await start();
    const state = await ask();

    await attempt({ more: accepting(state, action as never) });

    expect(notes.written).toEqual([]);
  });

  it('an answer from a client that says it cannot ask is none', async () => {
    await start();
    const state = await ask();

    const { result } = await attempt({ more: accepting(state), meta: {} });

    expect(result.isError).toBe(true);
    expect(notes.written).toEqual([]);
  });

  it.each([[null], [true], ['form'], [[]], [{ form: null }], [{ form: true }], [{ url: 'x' }]])(
    'a capability written as %j never runs the call',
    async elicitation => {
      await start();
      const meta = { 'io.modelcontextprotocol/clientCapabilities': { elicitation } as JsonObject };

      const { result, error } = await attempt({ meta });

      expect(error ?? result.isError ?? result.resultType).toBeTruthy();
      expect(notes.written).toEqual([]);
    },
  );

  it('state outlives neither the approval nor another start of the server', async () => {
    await start();
    const state = await ask();
    await app.stop();
    await start();

    const { error } = await attempt({ more: accepting(state) });

    expect(error).toMatchObject({ code: -32602 });
    expect(notes.written).toEqual([]);
  });
});

describe('who the agent is, and why it calls', () => {
  const call = (options: { headers?: Record<string, string>; meta?: JsonObject } = {}) =>
    app.request(
      'tools/call',
      { name: 'notes.write', arguments: { text: 'Tea' }, ...(options.meta && { _meta: options.meta }) },
      { token: TOKENS.ada, ...(options.headers && { headers: options.headers }) },
    );

  it('is what the header says, on every connection', async () => {
    await start();
    const headers = { 'Callboard-Agent-Id': 'triage-bot/7' };
    const opened = await app.send(initialize(), { token: TOKENS.ada, headers });
    const session = {
      ...headers,
      'Mcp-Session-Id': opened.headers.get('mcp-session-id') as string,
      'MCP-Protocol-Version': '2025-11-25',
    };
    const envelope = modern(
      'tools/call',
      { name: 'notes.write', arguments: { text: 'Tea' } },
      { 'io.modelcontextprotocol/clientInfo': { name: 'client', version: '1' } },
    );

    await call({ headers });
    await call({ headers: session });
    await app.send(envelope.body, { token: TOKENS.ada, headers: { ...envelope.headers, ...headers } });

    expect(notes.recorded.map(({ agentId }) => agentId)).toEqual(Array(3).fill('triage-bot/7'));
  });

  it('is else what the client calls itself, where it does', async () => {
    await start();
    const opened = await app.send(initialize(), { token: TOKENS.ada });
    const session = {
      'Mcp-Session-Id': opened.headers.get('mcp-session-id') as string,
      'MCP-Protocol-Version': '2025-11-25',
    };
    const envelope = modern(
      'tools/call',
      { name: 'notes.write', arguments: { text: 'Tea' } },
      { 'io.modelcontextprotocol/clientInfo': { name: 'client-2026', version: '1' } },
    );

    await call();
    await call({ headers: session });
    await app.send(envelope.body, { token: TOKENS.ada, headers: envelope.headers });

    expect(notes.recorded.map(({ agentId }) => agentId)).toEqual([undefined, 'test', 'client-2026']);
  });

  it('is cut and shown as it is, whatever it says', async () => {
    await start();
    const envelope = modern(
      'tools/call',
      { name: 'notes.write', arguments: { text: 'Tea' } },
      { 'io.modelcontextprotocol/clientInfo': { name: `a\u202eb\n${'x'.repeat(5_000)}`, version: '1' } },
    );

    await app.send(envelope.body, { token: TOKENS.ada, headers: envelope.headers });

    expect(notes.recorded[0]?.agentId).toMatch(/^a\\u\{202e\}b\\u\{a\}x+…\[cut \d+ characters\]$/);
    expect(notes.recorded[0]?.agentId?.length).toBeLessThan(240);
  });

  it.each<[unknown, string | undefined]>([
    ['Nobody needs it', 'Nobody needs it'],
    [`two\nlines\u200b`, 'two\\u{a}lines\\u{200b}'],
    [7, undefined],
    [{ why: 'x' }, undefined],
    [undefined, undefined],
  ])('the reason %j is shown to who decides as %j, in both eras', async (given, shown) => {
    const desk = new ApprovalDesk();
    await start(desk);
    const meta = given === undefined ? {} : { 'callboard/reason': given as string };
    const envelope = modern('tools/call', { name: 'notes.write', arguments: { text: 'Coffee' } }, meta);

    await call({ meta });
    await app.send(envelope.body, { token: TOKENS.ada, headers: envelope.headers });

    expect(desk.all.map(({ request }) => request.reason)).toEqual([shown, shown]);
  });

  it('is no part of what is approved: the same call for another reason is the same call', async () => {
    const desk = new ApprovalDesk();
    await start(desk);

    await call({ meta: { 'callboard/reason': 'One' }, headers: { 'Callboard-Agent-Id': 'one' } });
    await call({ meta: { 'callboard/reason': 'Another' }, headers: { 'Callboard-Agent-Id': 'another' } });

    expect(desk.all).toHaveLength(1);
  });
});
