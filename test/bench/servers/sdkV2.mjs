import { once } from 'node:events';
import { createServer } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { makeTools } from './peerTools.mjs';

/** SDK v2 as its documentation has it: tools are registered with the server of each request, and nobody is asked who they are. */
export async function start({ port, count, sources }) {
  const tools = makeTools({ count, sources });

  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: 'sdk-v2', version: '1.0.0' });
    for (const { name, run, ...definition } of tools) {
      server.registerTool(name, definition, run);
    }
    return server;
  });
  await once(createServer(toNodeHandler(handler)).listen(port, '127.0.0.1'), 'listening');
}
