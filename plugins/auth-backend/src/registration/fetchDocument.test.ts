import type { LookupAddress } from 'node:dns';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { startTlsServer } from '@callboard/test-utils';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createDocumentFetch } from './fetchDocument.js';

const host = 'client.example';
let server: Awaited<ReturnType<typeof startTlsServer>>;
let respond: (request: IncomingMessage, response: ServerResponse) => void;
let requests: string[];

beforeAll(async () => {
  server = await startTlsServer([host, 'localhost', '127.0.0.1'], (request, response) => {
    requests.push(request.url ?? '');
    respond(request, response);
  });
});
afterAll(() => server.stop());
beforeEach(() => {
  requests = [];
  respond = (_request, response) => {
    response.setHeader('Content-Type', 'application/json').end('{"ok":true}');
  };
});

const loopback: LookupAddress = { address: '127.0.0.1', family: 4 };
const elsewhere: LookupAddress = { address: '1.1.1.1', family: 4 };

function fetchWith(answers: LookupAddress[][], allowsPrivate: boolean): typeof fetch {
  let queries = 0;
  return createDocumentFetch({
    ca: server.ca,
    allowsPrivate: () => allowsPrivate,
    lookup: (_hostname, done) => done(null, answers[Math.min(queries++, answers.length - 1)] as LookupAddress[]),
  });
}

test('a document is fetched from the address that was looked up', async () => {
  const response = await fetchWith([[loopback]], true)(`https://${host}:${server.port}/client.json`);

  expect(await response.json()).toEqual({ ok: true });
  expect(requests).toEqual(['/client.json']);
});

test('a name with a private address is not connected to, nor is one with a private address among others', async () => {
  const url = `https://${host}:${server.port}/client.json`;

  await expect(fetchWith([[loopback]], false)(url)).rejects.toThrow('cannot be fetched');
  await expect(fetchWith([[elsewhere, loopback]], false)(url)).rejects.toThrow('cannot be fetched');
  expect(requests).toEqual([]);
});

test('a name that answers otherwise the second time gains nothing', async () => {
  const get = fetchWith([[elsewhere], [loopback]], false);

  await expect(get(`https://${host}:${server.port}/client.json`, { signal: AbortSignal.timeout(500) })).rejects.toThrow(
    'cannot be fetched',
  );
  expect(requests).toEqual([]);
});

test.each([
  'https://127.0.0.1/x',
  'https://2130706433/x',
  'https://0x7f.1/x',
  'https://0177.0.0.1/x',
  'https://0/x',
  'https://[::1]/x',
  'https://[::]/x',
  'https://[::ffff:127.0.0.1]/x',
  'https://[::ffff:7f00:1]/x',
  'https://[64:ff9b::7f00:1]/x',
  'https://[2002:7f00:1::]/x',
  'https://[2606:4700::5efe:169.254.169.254]/x',
  'https://169.254.169.254/x',
  'https://localhost/x',
  'https://localhost./x',
  'http://client.example/x',
])('%s is never connected to', async url => {
  const withPort = url.replace('/x', `:${server.port}/x`);

  await expect(createDocumentFetch({ ca: server.ca, allowsPrivate: () => false })(withPort)).rejects.toThrow(
    'cannot be fetched',
  );
  expect(requests).toEqual([]);
});

test.each<[string, (response: ServerResponse) => void]>([
  ...[301, 302, 303, 307, 308].map((status): [string, (response: ServerResponse) => void] => [
    `redirect ${status}`,
    response => response.writeHead(status, { Location: '/other', 'Content-Type': 'application/json' }).end('{}'),
  ]),
  ['Refresh header with an error', response => response.writeHead(503, { Refresh: '0;url=/other' }).end()],
  ['page', response => response.setHeader('Content-Type', 'text/html').end('<meta http-equiv=refresh>')],
  ['document without a type', response => response.end('{}')],
  [
    'compressed document',
    response =>
      response
        .writeHead(200, { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' })
        .end(gzipSync(Buffer.alloc(1_000_000))),
  ],
  [
    'document that is too large',
    response => response.setHeader('Content-Type', 'application/json').end(`"${'x'.repeat(70_000)}"`),
  ],
  ['missing document', response => response.writeHead(404, { 'Content-Type': 'application/json' }).end('{}')],
])('a %s is refused, with the same words as all others', async (_name, answer) => {
  respond = (_request, response) => answer(response);

  await expect(fetchWith([[loopback]], true)(`https://${host}:${server.port}/client.json`)).rejects.toThrow(
    /^The document cannot be fetched$/,
  );
  expect(requests).toEqual(['/client.json']);
});

test('a document that never ends is given up', async () => {
  respond = (_request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json' }).write('{');
  };

  await expect(
    fetchWith([[loopback]], true)(`https://${host}:${server.port}/client.json`, { signal: AbortSignal.timeout(300) }),
  ).rejects.toThrow('cannot be fetched');
});

test('only so many are fetched in a minute', async () => {
  let time = 0;
  const get = createDocumentFetch({
    ca: server.ca,
    allowsPrivate: () => true,
    lookup: (_hostname, done) => done(null, [loopback]),
    now: () => time,
  });
  const url = `https://${host}:${server.port}/client.json`;

  const attempts = await Promise.allSettled(Array.from({ length: 130 }, () => get(url)));
  time = 60_000;

  expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(120);
  expect(requests).toHaveLength(120);
  expect((await get(url)).status).toBe(200);
});
