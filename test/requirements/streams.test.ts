import { afterAll, beforeAll, expect, it } from 'vitest';
import { TOKENS } from '../../plugins/mcp-actions-backend/src/testing/startProbe.js';
import { request, type SpecServer, startSpecServer } from './testing/startSpecServer.js';

let app: SpecServer;
beforeAll(async () => {
  app = await startSpecServer();
});
afterAll(() => app.stop());

it('a GET on a session is answered with an event stream, and without one with 405', async () => {
  const session = await app.openSession();

  const inSession = await session.listen();
  const without = await app.send(undefined, { method: 'GET', token: TOKENS.ada });

  expect([inSession.status, inSession.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
  expect(without.status).toBe(405);
});

it('the stream of a GET has no answers, and each message goes over one stream', async () => {
  const session = await app.openSession();
  const listening = await session.listen();
  const [one, other] = [
    await session.call('held.wait', {}, { id: 1, meta: { progressToken: 'one' } }),
    await session.call('held.wait', {}, { id: 2, meta: { progressToken: 'other' } }),
  ];
  const calls = [await app.held.nextCall(), await app.held.nextCall()];

  for (const [index, { client }] of calls.entries()) {
    client.reportProgress({ progress: index + 1 });
  }
  await app.held.register(`added-${session.id.replace(/[^a-z0-9]/gi, '').toLowerCase()}`);
  const changed = (await listening.nextMessage()).json;
  for (const [index, call] of calls.entries()) {
    call.finish(String(index));
  }
  const received = await Promise.all([one.rest(), other.rest()]);
  await session.send(request('last', 'ping'));
  await app.send(undefined, { method: 'DELETE', token: TOKENS.ada, headers: session.headers });
  const onListening = [changed, ...(await listening.rest()).flatMap(({ json }) => json ?? [])];

  const kinds = received.map(events => events.flatMap(({ json }) => (json ? [json.method ?? json.id] : [])));
  expect(kinds).toEqual([
    ['notifications/progress', 1],
    ['notifications/progress', 2],
  ]);
  expect(received.map(events => events.find(({ json }) => json?.method)?.json.params.progressToken)).toEqual([
    'one',
    'other',
  ]);
  expect(onListening.map(({ method }) => method)).toEqual(['notifications/tools/list_changed']);
});

it('ids of events are used once in a session', async () => {
  const session = await app.openSession();
  const listening = await session.listen();
  const calls = await Promise.all(
    [1, 2, 3].map(id => session.call('test_tool_with_progress', {}, { id, meta: { progressToken: id } })),
  );

  const events = (await Promise.all(calls.map(call => call.rest()))).flat();
  await app.held.register('one-more');
  events.push(await listening.nextMessage());

  const ids = events.flatMap(({ id }) => id ?? []);
  expect(ids.length).toBeGreaterThanOrEqual(13);
  expect(new Set(ids).size).toBe(ids.length);
});
