import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { backendOfTwo, initialize, startProbe, TOKENS } from '../testing/startProbe.js';

const start = (sessions = {}) =>
  startProbe({
    config: {
      backend: backendOfTwo,
      mcpActions: { sessions, servers: { other: { name: 'Other' } } },
    },
  });

let app: Awaited<ReturnType<typeof startProbe>>;
beforeAll(async () => {
  app = await start();
});
afterAll(() => app.stop());

const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
const open = async (token = TOKENS.ada, on = app) => {
  const { headers } = await on.send(initialize(), { token });
  return headers.get('mcp-session-id') as string;
};
const inSession = (id: string) => ({ 'Mcp-Session-Id': id, 'MCP-Protocol-Version': '2025-11-25' });

describe('a session', () => {
  it.each(['2025-11-25', '2025-06-18', '2025-03-26'])('speaks %s with a client that asks for it', async version => {
    const { json } = await app.send(initialize(version), { token: TOKENS.ada });

    expect(json.result.protocolVersion).toBe(version);
  });

  it('is answered with the latest version it knows where the client asks for an unknown one', async () => {
    const { json } = await app.send(initialize('1999-01-01'), { token: TOKENS.ada });

    expect(json.result.protocolVersion).toBe('2025-11-25');
  });

  it('serves the principal that opened it until that ends it', async () => {
    const id = await open();

    const listed = await app.send(list, { token: TOKENS.ada, headers: inSession(id) });
    const ended = await app.send(undefined, { method: 'DELETE', token: TOKENS.ada, headers: inSession(id) });
    const after = await app.send(list, { token: TOKENS.ada, headers: inSession(id) });

    expect(listed.json.result.tools.length).toBeGreaterThan(0);
    expect(ended.status).toBe(200);
    expect([after.status, after.json.error.message]).toEqual([404, 'Session not found; initialize a new one']);
  });

  it('does not exist for another principal, nor on another server, nor under a made-up id', async () => {
    const id = await open();

    const foreign = await app.send(list, { token: TOKENS.eve, headers: inSession(id) });
    const foreignEnd = await app.send(undefined, { method: 'DELETE', token: TOKENS.eve, headers: inSession(id) });
    const foreignStream = await app.send(undefined, { method: 'GET', token: TOKENS.eve, headers: inSession(id) });
    const otherServer = await app.send(list, { token: TOKENS.ada, path: '/other', headers: inSession(id) });
    const madeUp = await app.send(list, { token: TOKENS.ada, headers: inSession('made-up') });
    const own = await app.send(list, { token: TOKENS.ada, headers: inSession(id) });

    expect([foreign, foreignEnd, foreignStream, otherServer, madeUp].map(({ status }) => status)).toEqual(
      Array(5).fill(404),
    );
    expect(own.status).toBe(200);
  });

  it("gives way to a new one of the same principal at the cap, and is safe from others'", async () => {
    const small = await start({ maxSessions: 2 });
    const ofEve = await open(TOKENS.eve, small);
    const first = await open(TOKENS.ada, small);
    await open(TOKENS.ada, small);

    const statuses = await Promise.all([
      small.send(list, { token: TOKENS.eve, headers: inSession(ofEve) }),
      small.send(list, { token: TOKENS.ada, headers: inSession(first) }),
    ]);

    expect(statuses.map(({ status }) => status)).toEqual([200, 404]);
    await small.stop();
  });

  it('has batches only if it speaks the revision that has them, whatever the headers say', async () => {
    const id = await open();
    const ofOldRevision = await app.send(initialize('2025-03-26'), { token: TOKENS.ada });
    const old = { 'Mcp-Session-Id': ofOldRevision.headers.get('mcp-session-id') as string };

    const batch = await app.send([list], { token: TOKENS.ada, headers: { 'Mcp-Session-Id': id } });
    const inOldRevision = await app.send([list], { token: TOKENS.ada, headers: old });

    expect([batch.status, batch.json.error.code]).toEqual([400, -32600]);
    expect(inOldRevision.status).toBe(200);
  });

  it('goes on in its own revision where a request names another one that there is', async () => {
    const id = await open();
    const naming = (version: string, body: unknown = list) =>
      app.send(body, { token: TOKENS.ada, headers: { 'Mcp-Session-Id': id, 'MCP-Protocol-Version': version } });

    const older = await naming('2025-03-26');
    const batch = await naming('2025-03-26', [list]);
    const unknown = await naming('1999-01-01');

    expect([older.status, older.json.result.tools.length > 0]).toEqual([200, true]);
    expect([batch.status, batch.json.error.code]).toEqual([400, -32600]);
    expect([unknown.status, unknown.json.error.message]).toEqual([
      400,
      expect.stringContaining('Unsupported protocol version "1999-01-01"'),
    ]);
  });

  it("that is somebody else's is put on record when it is tried", async () => {
    const id = await open();

    await app.send(list, { token: TOKENS.eve, headers: inSession(id) });

    const refusals = app.logs.filter(({ eventId, status }) => eventId === 'connection' && status === 'failed');
    expect(refusals.at(-1)).toMatchObject({ meta: { actionType: 'refused', status: 404 } });
  });

  it('ends when nobody has used it for the idle time-out', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
    try {
      const idle = await start({ idleTimeoutMinutes: 10 });
      const id = await open(TOKENS.ada, idle);
      vi.advanceTimersByTime(9 * 60_000);
      const inTime = await idle.send(list, { token: TOKENS.ada, headers: inSession(id) });
      vi.advanceTimersByTime(11 * 60_000);
      const tooLate = await idle.send(list, { token: TOKENS.ada, headers: inSession(id) });

      expect([inTime.status, tooLate.status]).toEqual([200, 404]);
      await idle.stop();
    } finally {
      vi.useRealTimers();
    }
  });

  it('puts its beginning and its end on record', async () => {
    const id = await open();
    await app.send(undefined, { method: 'DELETE', token: TOKENS.ada, headers: inSession(id) });

    const actions = app.logs
      .filter(entry => entry.eventId === 'connection')
      .map(entry => (entry.meta as { actionType: string }).actionType);
    expect(actions).toContain('established');
    expect(actions).toContain('closed');
  });
});

describe('a client without a session', () => {
  it('is answered in JSON, for itself', async () => {
    const { status, headers, json } = await app.send(list, { token: TOKENS.ada });

    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/json');
    expect(headers.get('mcp-session-id')).toBeNull();
    expect(json.result.tools.length).toBeGreaterThan(0);
  });

  it('need not accept event streams', async () => {
    const { status } = await app.send(list, { token: TOKENS.ada, headers: { Accept: 'application/json' } });

    expect(status).toBe(200);
  });
});
