import type { JsonObject } from '@backstage/types';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { modern, startProbe } from '../testing/startProbe.js';
import { PlainRequests } from './PlainRequests.js';

type App = Awaited<ReturnType<typeof startProbe>>;
let app: App;

beforeAll(async () => {
  app = await startProbe();
});
afterAll(async () => {
  vi.restoreAllMocks();
  await app.stop();
});

/** Sends a request twice: as it is served, and with the SDK serving all. */
async function sendBothWays(body: object, headers: Record<string, string> = {}) {
  const served = vi.spyOn(PlainRequests.prototype, 'serve');
  const short = await app.send(body, { headers });
  const tookShortWay = served.mock.calls.length > 0;
  served.mockRestore();

  const found = vi.spyOn(PlainRequests.prototype, 'find').mockReturnValue(undefined);
  const long = await app.send(body, { headers });
  found.mockRestore();
  return { tookShortWay, short: seen(short), long: seen(long) };
}

const seen = ({ status, headers, json }: Awaited<ReturnType<App['send']>>) => ({
  status,
  contentType: headers.get('content-type'),
  json,
});

const calls: [string, JsonObject][] = [
  ['a call', { name: 'probe.echo', arguments: { message: 'hello' } }],
  [
    'a call with metadata',
    { name: 'probe.echo', arguments: { message: 'hello' }, _meta: { progressToken: 7, own: [1] } },
  ],
  ['a call without arguments', { name: 'probe.echo' }],
  ['a call with wrong arguments', { name: 'probe.echo', arguments: { message: 1 } }],
  ['a call of a tool that there is not', { name: 'probe.nosuch', arguments: {} }],
];
const list = { jsonrpc: '2.0', id: 'list', method: 'tools/list' };

describe('the short way', () => {
  it.each(calls)('answers %s as the SDK does, in the 2025 era', async (_name, params) => {
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params };

    const { tookShortWay, short, long } = await sendBothWays(body, { 'MCP-Protocol-Version': '2025-06-18' });

    expect(tookShortWay).toBe(true);
    expect(short).toEqual(long);
  });

  it.each(calls)('answers %s as the SDK does, in the 2026 era', async (_name, { _meta, ...params }) => {
    const { body, headers } = modern('tools/call', params, _meta as JsonObject);
    await app.send(body, { headers });

    const { tookShortWay, short, long } = await sendBothWays(body, headers);

    expect(tookShortWay).toBe(true);
    expect(short).toEqual(long);
  });

  it('lists tools as the SDK does, in both eras', async () => {
    const { body, headers } = modern('tools/list');
    await app.send(body, { headers });

    for (const sent of [await sendBothWays(list), await sendBothWays(body, headers)]) {
      expect(sent.tookShortWay).toBe(true);
      expect(sent.short).toEqual(sent.long);
    }
  });
});
