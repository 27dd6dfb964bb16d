import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { startTlsServer, type TlsServer } from '@callboard/test-utils';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type GuardedRequestOptions, guardedRequest } from './guardedRequest.js';

const host = 'hooks.example';
const loopback = { address: '127.0.0.1', family: 4 };
const elsewhere = { address: '1.1.1.1', family: 4 };

interface Received {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingMessage['headers'];
  body: string;
}

let server: TlsServer;
let received: Received[];
let respond: (response: ServerResponse) => void;

beforeAll(async () => {
  server = await startTlsServer([host, '127.0.0.1'], async (request, response) => {
    const { method, url, headers } = request;
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(chunk as Buffer);
    }
    received.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
    respond(response);
  });
});
afterAll(() => server.stop());
beforeEach(() => {
  received = [];
  respond = response => void response.end('fine');
});

function ask(changes: Partial<GuardedRequestOptions> = {}) {
  return guardedRequest({
    url: `https://${host}:${server.port}/path?key=value`,
    timeoutMs: 5_000,
    maxBytes: 1_000,
    ca: server.ca,
    lookup: (_hostname, done) => done(null, [loopback]),
    ...changes,
  });
}

test('a request arrives as it was given, and its answer comes back', async () => {
  respond = response => void response.writeHead(418, { 'X-Kind': 'teapot' }).end('short and stout');

  const answer = await ask({ method: 'POST', headers: { 'webhook-id': '7' }, body: '{"ü":1}', allowsPrivate: true });

  expect(received).toMatchObject([
    { method: 'POST', url: '/path?key=value', body: '{"ü":1}', headers: { 'webhook-id': '7', 'content-length': '8' } },
  ]);
  expect(answer).toMatchObject({ status: 418, headers: { 'x-kind': 'teapot' } });
  expect(answer.body.toString()).toBe('short and stout');
});

test.each([
  ['one', [loopback]],
  ['one among public ones', [elsewhere, loopback]],
])('with %s private address, a name is not connected to', async (_name, addresses) => {
  await expect(ask({ lookup: (_hostname, done) => done(null, addresses) })).rejects.toThrow('not public');
  expect(received).toEqual([]);
});

test('a name is looked up once, so that a later answer changes nothing', async () => {
  let queries = 0;

  await ask({
    allowsPrivate: true,
    lookup: (_hostname, done) => done(null, [queries++ === 0 ? loopback : elsewhere]),
  });

  expect(queries).toBe(1);
});

test('a name without an address, and one that cannot be looked up, are errors', async () => {
  await expect(ask({ lookup: (_hostname, done) => done(null, []) })).rejects.toThrow('no address');
  await expect(ask({ lookup: (_hostname, done) => done(new Error('ENOTFOUND'), []) })).rejects.toThrow('ENOTFOUND');
});

test.each([
  '127.0.0.1',
  '127.1',
  '2130706433',
  '017700000001',
  '0x7f000001',
  '0x7f.0.0.1',
  '0177.0.0.1',
  '0',
  '169.254.169.254',
  '[::]',
  '[::1]',
  '[::127.0.0.1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::ffff:0:7f00:1]',
  '[64:ff9b::169.254.169.254]',
  '[64:ff9b:1::7f00:1]',
  '[2001:0:4136:e378:8000:63bf:3fff:fdd2]',
  '[2002:a9fe:a9fe::1]',
  '[2606:4700::5efe:169.254.169.254]',
  '[fec0::1]',
  '[fe80::1]',
  '[fc00::1]',
  '１２７.０.０.１',
])('https://%s is not asked, and not looked up', async name => {
  const lookup = () => expect.unreachable();

  await expect(ask({ url: `https://${name}:${server.port}/`, lookup })).rejects.toThrow('not a public address');
  expect(received).toEqual([]);
});

test.each(['localhost', 'localhost.', 'LOCALHOST'])('https://%s is not asked', async name => {
  await expect(ask({ url: `https://${name}:${server.port}/`, lookup: undefined })).rejects.toThrow(
    /not public|ENOTFOUND/,
  );
  expect(received).toEqual([]);
});

test('an address with a zone is no URL', async () => {
  await expect(ask({ url: 'https://[fe80::1%25lo]/' })).rejects.toThrow('Invalid URL');
});

test.each(['http://hooks.example/', 'ftp://hooks.example/', 'file:///etc/passwd'])('%s is not asked', async url => {
  await expect(ask({ url, allowsPrivate: true })).rejects.toThrow('not allowed');
});

test('without TLS only where that is allowed', async () => {
  const plain = createServer((_request, response) => response.end('plain')).listen(0, '127.0.0.1');
  await once(plain, 'listening');
  const url = `http://127.0.0.1:${(plain.address() as AddressInfo).port}/`;

  const answer = await ask({ url, allowsPrivate: true, allowsPlainHttp: true });

  expect(answer.body.toString()).toBe('plain');
  await expect(ask({ url, allowsPlainHttp: true })).rejects.toThrow('not a public address');
  plain.close();
});

test.each([301, 302, 303, 307, 308])('redirect %d is an answer, and is not followed', async status => {
  respond = response => void response.writeHead(status, { Location: '/other' }).end();

  expect((await ask({ allowsPrivate: true })).status).toBe(status);
  expect(received.map(({ url }) => url)).toEqual(['/path?key=value']);
});

test('an answer that is too large is given up', async () => {
  respond = response => void response.end('x'.repeat(1_001));

  await expect(ask({ allowsPrivate: true })).rejects.toThrow('larger than 1000 bytes');
});

test('a compressed answer is not unpacked', async () => {
  respond = response => void response.setHeader('Content-Encoding', 'gzip').end(gzipSync(Buffer.alloc(100_000)));

  expect((await ask({ allowsPrivate: true })).body.length).toBeLessThan(1_000);
});

test.each<[string, (response: ServerResponse) => void]>([
  ['never comes', () => {}],
  ['never ends', response => void response.write('x')],
])('an answer that %s is given up', async (_name, answer) => {
  respond = answer;

  await expect(ask({ allowsPrivate: true, timeoutMs: 200 })).rejects.toThrow(/abort/i);
});

test('a request can be called off', async () => {
  const calling = new AbortController();
  respond = () => calling.abort();

  await expect(ask({ allowsPrivate: true, signal: calling.signal })).rejects.toThrow(/abort/i);
});

test('a certificate of somebody else is not trusted', async () => {
  await expect(ask({ allowsPrivate: true, ca: undefined })).rejects.toThrow(/self.signed/i);
});
