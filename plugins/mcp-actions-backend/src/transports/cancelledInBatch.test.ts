import { afterAll, beforeAll, expect, it } from 'vitest';
import { startProbe } from '../testing/startProbe.js';

let app: Awaited<ReturnType<typeof startProbe>>;
beforeAll(async () => {
  app = await startProbe();
});
afterAll(() => app.stop());

const list = (id: number) => ({ jsonrpc: '2.0', id, method: 'tools/list' });
const cancel = (requestId: number) => ({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } });

it('waits for no answer to a request that the same batch cancels', async () => {
  const none = await app.send([list(1), cancel(1)]);
  const other = await app.send([list(1), list(2), cancel(1), cancel(3)]);

  expect([none.status, none.text]).toEqual([202, '']);
  expect(other.json).toMatchObject([{ id: 2, result: { tools: expect.anything() } }]);
});
