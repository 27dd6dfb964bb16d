import { once } from 'node:events';
import { createServer } from 'node:http';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { describeTool, makeTools } from './peerTools.mjs';

/** SDK v1 at its fastest that its documentation knows: a low-level server per request, and a list made once. */
export async function start({ port, count, sources }) {
  const made = makeTools({ count, sources });
  const tools = new Map(made.map(tool => [tool.name, tool]));
  const list = { tools: made.map(describeTool) };

  const createMcpServer = () => {
    const server = new Server({ name: 'sdk-v1', version: '1.0.0' }, { capabilities: { tools: {} } });
    server.setRequestHandler(ListToolsRequestSchema, () => list);
    server.setRequestHandler(CallToolRequestSchema, async ({ params }) => {
      const tool = tools.get(params.name);
      const result = await tool.run(tool.inputSchema.parse(params.arguments));
      tool.outputSchema.parse(result.structuredContent);
      return result;
    });
    return server;
  };
  const server = createServer(async (req, res) => {
    const mcpServer = createMcpServer();
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
    res.on('close', () => {
      void transport.close();
      void mcpServer.close();
    });
    await mcpServer.connect(transport);
    await transport.handleRequest(req, res);
  });
  await once(server.listen(port, '127.0.0.1'), 'listening');
}
