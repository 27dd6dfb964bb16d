import type { JSONRPCMessage } from '@modelcontextprotocol/server';
import { describe, expect, it } from 'vitest';
import { RequestIds } from './RequestIds.js';

const message = (rest: object) => ({ jsonrpc: '2.0', ...rest }) as JSONRPCMessage;
const ids = new RequestIds({ replicaId: 'here' });

describe('the ids of requests of the server', () => {
  it('begin with the replica for the client, and are as before for the protocol', () => {
    const request = message({ id: 3, method: 'ping', params: { _meta: { progressToken: 3 }, more: 1 } });
    const cancelled = message({ method: 'notifications/cancelled', params: { requestId: 3, reason: 'late' } });

    expect(ids.toClient(request)).toMatchObject({
      id: 'here.3',
      params: { _meta: { progressToken: 'here.3' }, more: 1 },
    });
    expect(ids.toClient(cancelled)).toMatchObject({ params: { requestId: 'here.3', reason: 'late' } });
    expect(ids.fromClient(message({ id: 'here.3', result: {} }))).toEqual(message({ id: 3, result: {} }));
    expect(
      ids.fromClient(message({ method: 'notifications/progress', params: { progressToken: 'here.3', progress: 1 } })),
    ).toMatchObject({ params: { progressToken: 3, progress: 1 } });
  });

  it('say whose request a message of the client is about', () => {
    const about = [
      message({ id: 'there.0', result: {} }),
      message({ id: 'there.7', error: { code: 1, message: 'No' } }),
      message({ method: 'notifications/progress', params: { progressToken: 'there.1', progress: 1 } }),
      message({ id: 'there.2', method: 'tools/list' }),
      message({ id: 5, result: {} }),
      message({ id: 'there.-1', result: {} }),
      message({ id: 'a.b.1', result: {} }),
    ].map(given => ids.replicaOf(given));

    expect(about).toEqual(['there', 'there', 'there', undefined, undefined, undefined, undefined]);
  });

  it.each([3, 'there.3', 'here.03', 'here.3 ', '3', ''])('do not take an answer to %j for one to their own', id => {
    expect(ids.fromClient(message({ id, result: {} }))).toMatchObject({ id: -1 });
  });

  it("leave the client's own requests and answers alone, and everything where there is one process", () => {
    const alone = new RequestIds({ replicaId: undefined });
    const own = message({ id: 'here.3', method: 'tools/list', params: { _meta: { progressToken: 3 } } });
    const answer = message({ id: 3, result: {} });
    const request = message({ id: 3, method: 'ping' });

    expect([ids.fromClient(own), ids.toClient(answer)]).toEqual([own, answer]);
    expect([alone.toClient(request), alone.fromClient(answer)]).toEqual([request, answer]);
  });
});
