import type { JsonObject } from '@backstage/types';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { McpRequests } from './McpRequests.js';
import { initialize, modern, type SendOptions, startProbe } from './testing/startProbe.js';

// The host of these tests has a lane in front of Express. A path that ends with a slash means the same
// to Express, and nothing to the lane.

type App = Awaited<ReturnType<typeof startProbe>>;
let app: App;

beforeAll(async () => {
  app = await startProbe({ config: { mcpActions: { maxRequestBodyBytes: 10_000 } } });
});
afterAll(async () => {
  vi.restoreAllMocks();
  await app.stop();
});

const call = (name: string, args: JsonObject = {}) => ({
  jsonrpc: '2.0',
  id: 5,
  method: 'tools/call',
  params: { name, arguments: args },
});
const modernCall = modern('tools/call', { name: 'probe.echo', arguments: { message: 'x' } });

const requests: [string, unknown, SendOptions?][] = [
  ['a call', call('probe.echo', { message: 'hello' })],
  ['a call of the 2026 era', modernCall.body, { headers: modernCall.headers }],
  ['a call of an unknown tool', call('probe.nosuch')],
  ['wrong arguments', call('probe.echo', { message: 7 })],
  ['a list', { jsonrpc: '2.0', id: 'l', method: 'tools/list' }],
  ['a method that there is not', { jsonrpc: '2.0', id: 1, method: 'no/such' }],
  ['a notification', { jsonrpc: '2.0', method: 'notifications/initialized' }],
  ['a batch', [call('probe.echo', { message: 'x' })], { headers: { 'MCP-Protocol-Version': '2025-03-26' } }],
  ['a batch of a revision without', [call('probe.echo')], { headers: { 'MCP-Protocol-Version': '2025-06-18' } }],
  ['no JSON', '{"jsonrpc":'],
  ['a key twice', '{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"ping"}'],
  ['no JSON-RPC', { hello: 'there' }],
  ['a body that is too long', call('probe.echo', { message: 'x'.repeat(20_000) })],
  ['another content type', call('probe.echo'), { headers: { 'Content-Type': 'text/plain' } }],
  ['an unknown version', call('probe.echo'), { headers: { 'MCP-Protocol-Version': '1999-01-01' } }],
  ['an unknown session', call('probe.echo'), { headers: { 'Mcp-Session-Id': 'nosuch' } }],
  ['an unknown profile', call('probe.echo'), { headers: { 'Callboard-Profile': 'nosuch' } }],
  ['a forwarded host', call('probe.echo'), { headers: { 'X-Forwarded-Host': 'evil.example' } }],
  ['no token', call('probe.echo'), { token: null }],
  ['a wrong token', call('probe.echo'), { token: 'wrong-token-of-some-length' }],
  ['headers that contradict the message', modernCall.body, { headers: { ...modernCall.headers, 'Mcp-Name': 'other' } }],
];

describe('on both ways to the server', () => {
  it.each(requests)('%s is answered alike', async (_name, body, options) => {
    const throughLane = await app.send(body, options);
    const throughExpress = await app.send(body, { ...options, path: '/' });

    expect(seen(throughLane)).toEqual(seen(throughExpress));
    expect(throughLane.headers.has('content-security-policy'), 'did not come through the lane').toBe(false);
    expect(throughExpress.headers.has('content-security-policy'), 'did not come through Express').toBe(true);
  });

  it('a session that is opened on one goes on on the other', async () => {
    const opened = await app.send(initialize());
    const headers = { 'Mcp-Session-Id': opened.headers.get('mcp-session-id') as string };

    const { json } = await app.send({ jsonrpc: '2.0', id: 2, method: 'ping' }, { path: '/', headers });

    expect(json).toEqual({ jsonrpc: '2.0', id: 2, result: {} });
  });
});

describe('the lane', () => {
  it('leaves requests of web pages to Express, which knows CORS', async () => {
    const { headers } = await app.send(call('probe.echo', { message: 'x' }), { headers: { Origin: app.origin } });

    expect(headers.has('content-security-policy')).toBe(true);
  });

  it('never lets an exception out', async () => {
    vi.spyOn(McpRequests.prototype, 'serve').mockRejectedValueOnce(new Error('unexpected'));

    await expect(app.send(call('probe.echo', { message: 'x' }))).rejects.toThrow();

    expect((await app.send({ jsonrpc: '2.0', id: 1, method: 'ping' })).json.result).toEqual({});
  });
});

const WORN: readonly string[] = ['content-type', 'www-authenticate', 'allow', 'retry-after', 'mcp-session-id'];

function seen({ status, headers, json, text }: Awaited<ReturnType<App['send']>>) {
  return {
    status,
    headers: [...headers].filter(([name]) => WORN.includes(name)),
    body: json ?? text,
  };
}
