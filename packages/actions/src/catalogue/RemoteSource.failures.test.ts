import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createRemoteSource } from '../testing/remoteSource.js';
import {
  listedAction,
  type SourceServer,
  startSourceServer,
  withActions,
  withError,
  withJson,
  withSilence,
} from '../testing/sourceServer.js';

let server: SourceServer;
const remoteSource = (options?: Parameters<typeof createRemoteSource>[1]) =>
  createRemoteSource(server.baseUrl, options);

beforeEach(async () => {
  server = await startSourceServer();
});

afterEach(() => server.stop());

const withText =
  (text: string, contentType = 'application/json') =>
  (res: ServerResponse) =>
    void res.writeHead(200, { 'content-type': contentType }).end(text);
const withHangUp = (res: ServerResponse) => void res.destroy();
const withHalfAnAnswer = (res: ServerResponse) => void res.writeHead(200).write('{"actions":[');

describe('a source that', () => {
  test.each<[string, SourceServer['answer']]>([
    ['answers with an error of Backstage', withError(503, 'ServiceUnavailableError', 'Starting')],
    ['answers with a page', withText('<html>Bad gateway</html>', 'text/html')],
    ['answers with nothing', withText('')],
    ['answers with half of it', withText('{"actions":[')],
    ['answers with null', withJson(null)],
    ['answers with a list', withJson([])],
    ['answers with another object', withJson({ tools: [] })],
    ['answers with actions that are none', withJson({ actions: [null, 1, 'one'] })],
    [
      'answers with an action without a schema',
      withJson({ actions: [{ ...listedAction('todo:one'), schema: undefined }] }),
    ],
    [
      'answers with an action without attributes',
      withJson({ actions: [{ ...listedAction('todo:one'), attributes: {} }] }),
    ],
    ['answers with an id that is no text', withJson({ actions: [{ ...listedAction('todo:one'), id: 7 }] })],
    [
      'answers with a class of calls that does not exist, so that no rule could be found for it',
      withJson({ actions: [{ ...listedAction('todo:one'), effect: 'annihilate' }] }),
    ],
    [
      'answers with a capability that is no text',
      withJson({ actions: [{ ...listedAction('todo:one'), capability: 7 }] }),
    ],
    ['hangs up', withHangUp],
    ['is silent', withSilence],
    ['stops in the middle of its answer', withHalfAnAnswer],
  ])('%s has an empty list, never throws, and is asked again', async (_, answer) => {
    server.answer = answer;
    const { idsFor, logs, advanceSeconds, refresh } = remoteSource({ remote: { timeoutSeconds: 0.5 } });

    const ids = await idsFor();
    server.answer = withActions('todo:one');
    advanceSeconds(1);
    await refresh();

    expect(ids).toEqual([]);
    expect(logs[0]).toMatchObject({
      level: 'warn',
      message: expect.stringMatching(/^Failed to fetch actions from todo: ./),
    });
    expect(await idsFor()).toEqual(['todo:one']);
  });

  test('is not there has an empty list', async () => {
    await server.stop();
    const { idsFor, logs } = remoteSource();

    expect(await idsFor()).toEqual([]);
    expect(logs[0]?.message).toContain('ECONNREFUSED');
  });

  test('cannot be found out where it is has an empty list', async () => {
    const { idsFor } = createRemoteSource('not a url');

    expect(await idsFor()).toEqual([]);
  });
});

test('a silent source is waited for as long as its time-out, by the first who asks and nobody after', async () => {
  server.answer = withSilence;
  const { idsFor } = remoteSource({ remote: { timeoutSeconds: 0.5 } });
  const startedAt = performance.now();

  await idsFor();
  const firstMs = performance.now() - startedAt;
  await idsFor();
  const secondMs = performance.now() - startedAt - firstMs;

  expect(firstMs).toBeGreaterThan(450);
  expect(firstMs).toBeLessThan(5_000);
  expect(secondMs).toBeLessThan(250);
});

test('a source that fails is asked again after pauses that grow to a minute', async () => {
  server.answer = withError(500, 'Error', 'Broken');
  const { idsFor, refresh, advanceSeconds } = remoteSource();
  await refresh();

  for (const [index, pause] of [1, 2, 4, 8, 16, 32, 60, 60].entries()) {
    advanceSeconds(pause - 0.001);
    await idsFor();
    expect(server.requests).toHaveLength(index + 1);
    advanceSeconds(0.001);
    await refresh();
    expect(server.requests).toHaveLength(index + 2);
  }
});

test('a source that came back is trusted again: the next pause is short', async () => {
  const { idsFor, refresh, advanceSeconds } = remoteSource({ remote: { cacheSeconds: 10 } });
  const answers = [
    withError(500, 'Error', 'Broken'),
    withError(500, 'Error', 'Broken'),
    withActions('todo:one'),
    withError(500, 'Error', 'Broken'),
    withActions('todo:two'),
  ];
  for (const [index, pauseBefore] of [0, 1, 2, 10, 1].entries()) {
    server.answer = answers[index] as SourceServer['answer'];
    advanceSeconds(pauseBefore);
    await refresh();
  }

  expect(await idsFor()).toEqual(['todo:two']);
  expect(server.requests).toHaveLength(5);
});

test('while a source is away, the last list that it gave is answered', async () => {
  server.answer = withActions('todo:one');
  const { idsFor, refresh, advanceSeconds } = remoteSource();
  await refresh();
  server.answer = withHangUp;

  for (let turn = 0; turn < 5; turn += 1) {
    advanceSeconds(100);
    await refresh();
    expect(await idsFor()).toEqual(['todo:one']);
  }
});

test('the log says once that a source went away, and once that it came back', async () => {
  const { refresh, logs, advanceSeconds } = remoteSource();
  const broken = withError(500, 'Error', 'Broken');
  const answers = [withActions('todo:one'), broken, broken, broken, withActions('todo:one', 'todo:two'), withActions()];
  for (const answer of answers) {
    server.answer = answer;
    advanceSeconds(100);
    await refresh();
  }

  expect(logs.map(({ level, message }) => `${level} ${message}`)).toEqual([
    'info Action source "todo" answers with 1 actions',
    'warn Failed to fetch actions from todo: Request failed with 500 Internal Server Error',
    'info Action source "todo" answers with 2 actions',
  ]);
});
