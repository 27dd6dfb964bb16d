import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backendOfTwo, initialize, startProbe, TOKENS } from '../testing/startProbe.js';

let app: Awaited<ReturnType<typeof startProbe>>;
beforeAll(async () => {
  app = await startProbe({
    config: {
      backend: backendOfTwo,
      mcpActions: { servers: { other: { name: 'Other' } } },
    },
  });
});
afterAll(() => app.stop());

/** Opens a stream as a plain HTTP client would. */
async function open(token = TOKENS.ada, path = '') {
  const response = await fetch(`${app.url}${path}/sse`, { headers: { Authorization: `Bearer ${token}` } });
  const reader = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
  let buffered = '';
  const nextEvent = async (): Promise<{ event: string; data: string }> => {
    for (;;) {
      const end = buffered.indexOf('\n\n');
      if (end >= 0) {
        const lines = buffered.slice(0, end).split('\n');
        buffered = buffered.slice(end + 2);
        const field = (name: string) => lines.find(line => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? '';
        return { event: field('event'), data: field('data') };
      }
      const { value, done } = await reader.read();
      if (done) {
        throw new Error('the stream has ended');
      }
      buffered += value;
    }
  };
  const endpoint = await nextEvent();
  return { headers: response.headers, endpoint: endpoint.data, nextEvent, close: () => reader.cancel() };
}

const post = (endpoint: string, body: unknown, token = TOKENS.ada) =>
  fetch(new URL(endpoint, app.url), {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });

describe('the deprecated HTTP+SSE transport', () => {
  it.each(['', '/other'])('announces where to post, and answers on the stream, at /v1%s/sse', async path => {
    const stream = await open(TOKENS.ada, path);

    const accepted = await post(stream.endpoint, initialize());
    const { data } = await stream.nextEvent();

    expect(stream.endpoint).toMatch(new RegExp(`^/api/mcp-actions/v1${path}/sse/messages\\?sessionId=[0-9a-f-]{36}$`));
    expect(accepted.status).toBe(202);
    expect(JSON.parse(data).result.protocolVersion).toBe('2025-11-25');
    await stream.close();
  });

  it('opens no stream for HEAD, which could not carry it', async () => {
    const response = await fetch(`${app.url}/sse`, {
      method: 'HEAD',
      headers: { Authorization: `Bearer ${TOKENS.ada}` },
      signal: AbortSignal.timeout(2_000),
    });

    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET');
  });

  it('says that it is deprecated, in headers and once in the log', async () => {
    const stream = await open();

    expect(stream.headers.get('deprecation')).toBe('@1742947200');
    expect(stream.headers.get('link')).toBe('</api/mcp-actions/v1>; rel="successor-version"');
    expect(app.logs.filter(({ message }) => String(message).includes('HTTP+SSE, which is deprecated'))).toHaveLength(1);
    await stream.close();
  });

  it.each([
    ['no sessionId', ''],
    ['an empty one', '?sessionId='],
    ['two of them', '?sessionId=a&sessionId=b'],
  ])('answers 400 at once to %s, even while one stream is open', async (_name, query) => {
    const stream = await open();

    const response = await post(`/api/mcp-actions/v1/sse/messages${query}`, initialize());

    expect(response.status).toBe(400);
    await stream.close();
  });

  it("answers 404 at once to an unknown id, another principal's, and another server's", async () => {
    const stream = await open();

    const unknown = await post('/api/mcp-actions/v1/sse/messages?sessionId=made-up', initialize());
    const foreign = await post(stream.endpoint, initialize(), TOKENS.eve);
    const otherServer = await post(stream.endpoint.replace('/v1/', '/v1/other/'), initialize());
    const own = await post(stream.endpoint, initialize());

    expect([unknown.status, foreign.status, otherServer.status, own.status]).toEqual([404, 404, 404, 202]);
    expect(await foreign.json()).toMatchObject({ error: { message: 'There is no such stream; open a new one' } });
    await stream.close();
  });

  it('forgets a stream when the client has closed it', async () => {
    const stream = await open();
    await stream.close();

    let status = 202;
    for (let attempt = 0; attempt < 200 && status === 202; attempt += 1) {
      ({ status } = await post(stream.endpoint, initialize()));
    }

    expect(status).toBe(404);
  });

  it('tells the way to clients that use the wrong method', async () => {
    const response = await app.send(initialize(), { path: '/sse', token: TOKENS.ada });

    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET']);
  });
});
