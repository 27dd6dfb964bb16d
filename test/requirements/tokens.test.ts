import { afterAll, beforeAll, expect, it } from 'vitest';
import { initialize, TOKENS } from '../../plugins/mcp-actions-backend/src/testing/startProbe.js';
import { request, type SpecServer, startSpecServer } from './testing/startSpecServer.js';

let app: SpecServer;
beforeAll(async () => {
  app = await startSpecServer();
});
afterAll(() => app.stop());

it.each(['access_token', 'token', 'authorization', 'bearer'])('a token in the address is none', async parameter => {
  const { status } = await app.send(request(1, 'tools/list'), { token: null, path: `?${parameter}=${TOKENS.ada}` });
  const asHeader = await app.send(request(1, 'tools/list'), { token: TOKENS.ada });

  expect([status, asHeader.status]).toEqual([401, 200]);
});

it('the id of a session is no token', async () => {
  const session = await app.openSession();

  const answers = await Promise.all(
    ['POST', 'GET', 'DELETE'].map(method =>
      app.send(request(1, 'tools/list'), { method, token: null, headers: session.headers }),
    ),
  );
  const own = await session.send(request(2, 'tools/list'));

  expect(answers.map(({ status }) => status)).toEqual([401, 401, 401]);
  expect(own.status).toBe(200);
});

it('ids of sessions are random, and no two are alike', async () => {
  const ids = await Promise.all(
    Array.from({ length: 50 }, async () => {
      const { headers } = await app.send(initialize(), { token: TOKENS.ada });
      return headers.get('mcp-session-id') as string;
    }),
  );

  expect(new Set(ids).size).toBe(50);
  expect(ids.filter(id => !/^[\x21-\x7e]{22,}$/.test(id))).toEqual([]);
  // 22 characters of base64 have 132 bits.
  const differing = Array.from({ length: Math.min(...ids.map(({ length }) => length)) }, (_, at) => at).filter(
    at => new Set(ids.map(id => id[at])).size > 10,
  );
  expect(differing.length).toBeGreaterThanOrEqual(22);
});
