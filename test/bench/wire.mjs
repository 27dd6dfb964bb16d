import { echoToolName } from './actions.mjs';

/** The same bytes for every server: a stateless POST of protocol 2025-06-18. */
export const requestHeaders = {
  authorization: 'Bearer bench-unrestricted-token',
  accept: 'application/json, text/event-stream',
  'content-type': 'application/json',
  'mcp-protocol-version': '2025-06-18',
};

const message = 'Five minutes, please: curtain up at half past seven.';

/**
 * What is asked of a server that has `count` actions.
 *
 * @returns Per request its name, its body, for small answers a text that every right one contains, and a full check of one answer
 * that throws if it is not right.
 */
export function benchRequests(count) {
  return [
    {
      name: 'tools/call',
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: echoToolName, arguments: { message } },
      }),
      marker: message,
      check(result) {
        if (result.isError || result.structuredContent?.message !== message) {
          throw new Error(`Expected the message back, got ${excerpt(result)}`);
        }
      },
    },
    {
      name: 'tools/list',
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
      check(result) {
        const tools = result.tools ?? [];
        const incomplete = tools.find(tool => !tool.description || tool.inputSchema?.type !== 'object');
        if (tools.length !== count || result.nextCursor || incomplete) {
          throw new Error(
            `Expected ${count} whole tools on one page, got ${tools.length}: ${excerpt(incomplete ?? result)}`,
          );
        }
      },
    },
  ];
}

/**
 * @returns The result in the answer's body, whether it came as JSON or as one event.
 * @throws Error if the answer is not a JSON-RPC result.
 */
export function readResult({ status, contentType, text }) {
  if (status !== 200) {
    throw new Error(`Expected status 200, got ${status}: ${excerpt(text)}`);
  }
  const json = contentType.startsWith('text/event-stream')
    ? text
        .split('\n')
        .filter(line => line.startsWith('data:'))
        .map(line => line.slice('data:'.length))
        .join('\n')
    : text;
  const { result, error } = JSON.parse(json);
  if (!result) {
    throw new Error(`Expected a result, got ${excerpt(error ?? text)}`);
  }
  return result;
}

function excerpt(value) {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.slice(0, 300);
}
