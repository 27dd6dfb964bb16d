import { once } from 'node:events';
import { createServer } from 'node:http';
import * as z from 'zod';
import { describeTool, makeTools } from './peerTools.mjs';

const requestSchema = z.object({
  jsonrpc: z.literal('2.0'),
  id: z.union([z.string(), z.number()]),
  method: z.enum(['tools/call', 'tools/list']),
  params: z.object({ name: z.string().optional(), arguments: z.record(z.string(), z.unknown()).optional() }).optional(),
});

/**
 * What Node can do at most: no authentication, no protocol beyond the two methods, a list that is bytes already. Input
 * and output are checked with zod.
 */
export async function start({ port, count, sources }) {
  const made = makeTools({ count, sources });
  const tools = new Map(made.map(tool => [tool.name, tool]));
  const cacheHints = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' };
  const listResult = Buffer.from(JSON.stringify({ ...cacheHints, tools: made.map(describeTool) }));

  const answer = async text => {
    const { id, method, params } = requestSchema.parse(JSON.parse(text));
    const head = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":`;
    if (method === 'tools/list') {
      return Buffer.concat([Buffer.from(head), listResult, Buffer.from('}')]);
    }
    const tool = tools.get(params.name);
    const result = await tool.run(tool.inputSchema.parse(params.arguments));
    tool.outputSchema.parse(result.structuredContent);
    return Buffer.from(`${head}${JSON.stringify({ resultType: 'complete', ...result })}}`);
  };
  const server = createServer((req, res) => {
    const chunks = [];
    req.on('data', chunk => chunks.push(chunk));
    req.on('end', () => {
      answer(Buffer.concat(chunks).toString()).then(
        body => res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.length }).end(body),
        error => res.writeHead(400).end(String(error)),
      );
    });
  });
  await once(server.listen(port, '127.0.0.1'), 'listening');
}
