import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { BrowserUsers } from './BrowserUsers.js';

let server: Server;

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

test('people can sign in where the auth plugin says so', async () => {
  const users = await startAuthPlugin((_req, res) => res.end('{"signIn":true}'));

  expect(await users.haveSignIn()).toBe(true);
});

test.each([
  ['another auth plugin', 404, '{"error":{"name":"NotFoundError"}}'],
  ['another auth plugin that answers everything', 200, '<html>'],
  ['an auth plugin that sends the question elsewhere', 302, '{"signIn":true}'],
  ['an auth plugin that says no', 200, '{"signIn":false}'],
])('they cannot at %s', async (_what, status, body) => {
  const users = await startAuthPlugin((_req, res) => res.writeHead(status, { Location: '/' }).end(body));

  expect(await users.haveSignIn()).toBe(false);
});

test.each<[string, RequestListener, string]>([
  ['fails', (_req, res) => res.writeHead(503).end(), 'cannot be found out'],
  ['hangs up', req => req.socket.destroy(), 'does not answer'],
  ['talks without end', (_req, res) => res.end('x'.repeat(1_000_000)), 'does not answer'],
])('it is not known while the auth plugin %s', async (_what, answer, problem) => {
  const users = await startAuthPlugin(answer);

  await expect(users.haveSignIn()).rejects.toMatchObject({
    name: 'ServiceUnavailableError',
    message: expect.stringContaining(problem),
  });
});

async function startAuthPlugin(listener: RequestListener): Promise<BrowserUsers> {
  server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return new BrowserUsers({
    auth: {} as never,
    discovery: { getBaseUrl: async () => url, getExternalBaseUrl: async () => url },
    baseUrl: url,
  });
}
