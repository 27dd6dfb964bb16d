import { FastMCP } from 'fastmcp';
import { makeTools } from './peerTools.mjs';

/** fastmcp without sessions. */
export async function start({ port, count, sources }) {
  const server = new FastMCP({ name: 'fastmcp', version: '1.0.0' });
  for (const { name, description, inputSchema, outputSchema, annotations, run } of makeTools({ count, sources })) {
    server.addTool({ name, description, parameters: inputSchema, outputSchema, annotations, execute: run });
  }
  await server.start({
    transportType: 'httpStream',
    httpStream: { port, host: '127.0.0.1', endpoint: '/mcp', stateless: true, enableJsonResponse: true },
  });
}
