// An MCP server over stdio of both eras, as small as the tests of the front allow.
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import * as z from 'zod';

serveStdio(() => {
  const server = new McpServer(
    { name: 'small', version: '1.0.0' },
    { capabilities: { logging: {}, tools: { listChanged: true } } },
  );
  const read = { readOnlyHint: true };
  server.registerTool(
    'echo',
    {
      description: 'Says it after you',
      annotations: read,
      inputSchema: z.object({ text: z.string(), ms: z.number() }),
    },
    async ({ text, ms }, { mcpReq }) => {
      const progressToken = mcpReq._meta?.progressToken;
      if (progressToken !== undefined) {
        await mcpReq.notify({
          method: 'notifications/progress',
          params: { progressToken, progress: 1, message: text },
        });
      }
      await new Promise(resolve => setTimeout(resolve, ms));
      return { content: [{ type: 'text', text: `${process.pid} ${text}` }] };
    },
  );
  server.registerTool('wait', { description: 'Waits until it is cancelled' }, async ({ mcpReq }) => {
    process.stderr.write('waiting\n');
    await new Promise(resolve => mcpReq.signal.addEventListener('abort', resolve, { once: true }));
    process.stderr.write('cancelled\n');
    return { content: [] };
  });
  server.registerTool('ask', { description: 'Asks the person' }, async ({ mcpReq }) => {
    const answer = await mcpReq.elicitInput({
      message: 'Who?',
      requestedSchema: { type: 'object', properties: { name: { type: 'string' } } },
    });
    return { content: [{ type: 'text', text: `Hello ${answer.content?.name}` }] };
  });
  server.registerTool('change', { description: 'Changes the list of tools' }, async () => {
    server.sendToolListChanged();
    return { content: [] };
  });
  server.registerTool('crash', { description: 'Ends the process' }, async () => {
    process.stderr.write('it is over\n');
    process.exit(3);
  });
  return server;
});
