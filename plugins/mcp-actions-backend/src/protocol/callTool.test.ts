import { errorTable } from '@callboard/actions';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modern, startProbe } from '../testing/startProbe.js';

let app: Awaited<ReturnType<typeof startProbe>>;
beforeAll(async () => {
  app = await startProbe();
});
afterAll(() => app.stop());

const callIn = async (era: string, name: string, args: Record<string, never | string | number | object>) => {
  if (era === '2025') {
    return app.call(name, args as never);
  }
  const { body, headers } = modern('tools/call', { name, arguments: args as never });
  return app.send(body, { headers });
};

describe.each(['2025', '2026'])('tools/call in the %s era', era => {
  it('answers with the output as text and as structure', async () => {
    const { status, json } = await callIn(era, 'probe.echo', { message: 'hi', count: 2 });

    expect(status).toBe(200);
    expect(json.result).toMatchObject({
      content: [{ type: 'text', text: '{"message":"hi","count":2}' }],
      structuredContent: { message: 'hi', count: 2 },
    });
  });

  it('says which argument is wrong and what was expected', async () => {
    const { json } = await callIn(era, 'probe.echo', { count: -1 });

    expect(json.result.isError).toBe(true);
    expect(json.result.content[0].text).toBe(
      'InputError: Invalid input to action "probe:echo": message: Invalid input: expected string, received undefined; count: Too small: expected number to be >=0',
    );
  });

  // The 2026 era has a protocol error of its own for what a client lacks.
  const shown = Object.keys(errorTable).filter(name => era === '2025' || name !== 'ClientCapabilityError');
  it.each(shown)('shows the message of a %s', async name => {
    const { status, json } = await callIn(era, 'probe.fail', { with: name });

    expect(status).toBe(200);
    expect(json.result).toMatchObject({
      isError: true,
      content: [{ type: 'text', text: `${name}: message of ${name}` }],
    });
  });

  it('shows a forwarded error as what it was', async () => {
    const { json } = await callIn(era, 'probe.fail', { with: 'ForwardedError' });

    expect(json.result.content[0].text).toMatch(
      /^ConflictError: forwarded; caused by ConflictError: message of the cause/,
    );
  });

  it("shows a plugin's own kind of a known error", async () => {
    const { json } = await callIn(era, 'probe.fail', { with: 'QuotaError' });

    expect(json.result).toMatchObject({ isError: true, content: [{ text: 'QuotaError: message of QuotaError' }] });
  });

  it.each([
    ['probe.fail', { with: 'Error' }],
    ['probe.fail', { with: 'something that is no Error' }],
    ['probe.answer-wrongly', {}],
  ])(
    'tells nothing of an unexpected failure of %s %j but a request id, under which the log tells all',
    async (name, args) => {
      const { json } = await callIn(era, name, args);

      expect(json.error.code).toBe(-32603);
      expect(JSON.stringify(json)).not.toMatch(/secret-internal-detail|expected int|\.ts|\.js/);
      const { requestId } = json.error.data;
      expect(json.error.message).toContain(requestId);
      expect(app.logs.some(entry => String(entry.message).includes(requestId) && entry.level === 'error')).toBe(true);
    },
  );

  it.each(['nosuch', 'probe.nosuch', 'probe:echo', 'other.echo', '__proto__', '', 'probe.with-secret'])(
    'answers -32602 to %j, which this caller cannot see',
    async name => {
      const { json } = await callIn(era, name, {});

      expect(json.error).toMatchObject({ code: -32602, message: `Unknown tool: ${name}` });
    },
  );

  it('runs an action whose name is a property of every object', async () => {
    const { json } = await callIn(era, 'probe.__proto__', {});

    expect(json.result.structuredContent).toEqual({ ok: true });
  });

  it('needs no arguments where the action needs no input', async () => {
    const envelope = modern('tools/call', { name: 'probe.__proto__' });
    const { json } =
      era === '2025'
        ? await app.request('tools/call', { name: 'probe.__proto__' })
        : await app.send(envelope.body, envelope);

    expect(json.result.structuredContent).toEqual({ ok: true });
  });
});

it('in the 2026 era, what the client lacks is a protocol error', async () => {
  const { status, json } = await callIn('2026', 'probe.fail', { with: 'ClientCapabilityError' });

  expect(status).toBe(400);
  expect(json.error).toEqual({
    code: -32021,
    message: 'message of ClientCapabilityError',
    data: { requiredCapabilities: { roots: {} } },
  });
});

describe('what a call leaves behind', () => {
  it('is one line of the log, whatever the tool is called', async () => {
    const { json } = await app.call('x\r\n{"level":"info"}\u001b[31m', {});

    const [event] = app.logs.filter(({ eventId }) => eventId === 'tool-execution').slice(-1);
    expect(json.error.message).toBe('Unknown tool: x\\u000d\\u000a{"level":"info"}\\u001b[31m');
    expect(event).toMatchObject({
      error: { message: 'Action "x\\u000d\\u000a{"level":"info"}\\u001b[31m" not found' },
    });
  });

  it('has an intent and an outcome, with the action, the server and the real error', async () => {
    await app.call('probe.fail', { with: 'ConflictError' });

    const events = app.logs.filter(({ eventId }) => eventId === 'tool-execution').slice(-2);
    expect(events).toMatchObject([
      { status: 'initiated', severityLevel: 'medium', meta: { toolName: 'probe.fail', door: 'mcp' } },
      {
        status: 'failed',
        error: expect.objectContaining({ name: 'ConflictError', message: 'message of ConflictError' }),
        meta: { toolName: 'probe.fail', actionId: 'probe:fail', pluginId: 'probe', durationMs: expect.any(Number) },
      },
    ]);
  });

  it('has the attempt to call a tool that does not exist', async () => {
    await app.call('probe.nosuch', {});

    const [event] = app.logs.filter(({ eventId }) => eventId === 'tool-execution').slice(-1);
    expect(event).toMatchObject({ status: 'failed', meta: { toolName: 'probe.nosuch' } });
  });
});
