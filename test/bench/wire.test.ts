import { describe, expect, it } from 'vitest';
import { dealActions } from './actions.mjs';
import { parseCoreList } from './cores.mjs';
import { benchRequest, readResult } from './wire.mjs';

const answer = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { tools: [] } });
const token = 'a-token';

describe('an answer', () => {
  it('is read from JSON and from an event stream alike', () => {
    const fromJson = readResult({ status: 200, contentType: 'application/json', text: answer });
    const fromEvent = readResult({
      status: 200,
      contentType: 'text/event-stream',
      text: `event: message\ndata: ${answer}\n\n`,
    });

    expect(fromJson).toEqual({ tools: [] });
    expect(fromEvent).toEqual({ tools: [] });
  });

  it('of another status is not measured', () => {
    const refused = { status: 401, contentType: 'application/json', text: '{"error":"who are you"}' };

    expect(() => readResult(refused)).toThrow('Expected status 200, got 401: {"error":"who are you"}');
  });

  it('with a JSON-RPC error is not measured', () => {
    const text = JSON.stringify({ jsonrpc: '2.0', id: 1, error: { code: -32601, message: 'Method not found' } });

    expect(() => readResult({ status: 200, contentType: 'application/json', text })).toThrow('Method not found');
  });

  it('to the echo has to bring the message back', () => {
    const call = benchRequest({ request: 'tools/call', count: 1, token });

    expect(() => call.check({ isError: true, content: [] })).toThrow('Expected the message back');
  });

  it('to the list has to hold every action', () => {
    const list = benchRequest({ request: 'tools/list', count: 2, token });
    const tool = { name: 'bench-1.echo', description: 'Echoes', inputSchema: { type: 'object' } };

    expect(() => list.check({ tools: [tool] })).toThrow('Expected 2 whole tools on one page, got 1');
    expect(() => list.check({ tools: [tool, tool] })).not.toThrow();
  });
});

describe('a request', () => {
  it('of 2026-07-28 says so in its headers and in its envelope', () => {
    const { headers, body } = benchRequest({ request: 'tools/call', era: '2026', count: 1, token });

    expect(headers).toMatchObject({
      authorization: 'Bearer a-token',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'bench-1.echo',
    });
    expect(JSON.parse(body).params._meta).toMatchObject({
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    });
  });
});

describe('the actions', () => {
  it('are dealt out to all sources, the echo to the first', () => {
    const hands = dealActions({ count: 200, sources: 3 });

    expect(hands.map(hand => hand.length)).toEqual([67, 67, 66]);
    expect(hands[0]?.[0]?.name).toBe('echo');
    expect(new Set(hands.flat().map(action => action.name)).size).toBe(200);
  });
});

describe("taskset's list of cores", () => {
  it.each([
    ['0', [0]],
    ['0,1', [0, 1]],
    ['0,2-4,9', [0, 2, 3, 4, 9]],
  ])('%s is read', (text, cores) => {
    expect(parseCoreList(text)).toEqual(cores);
  });
});
