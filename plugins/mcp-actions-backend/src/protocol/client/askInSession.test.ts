import { deferred } from '@callboard/test-utils';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import {
  CancelledNotificationSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { InMemoryTransport, Server, type ServerContext } from '@modelcontextprotocol/server';
import { afterEach, expect, it } from 'vitest';
import { askInSession } from './askInSession.js';
import type { ClientRequests } from './McpCallClient.js';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) {
    await close();
  }
});

/** Has a tool ask `requests` of a client that lists its roots as it is told, and never fills in a form. */
async function ask(requests: ClientRequests, listRoots: () => Promise<{ roots: [] }>) {
  const server = new Server({ name: 'server', version: '1' }, { capabilities: { tools: {} } });
  const outcome = deferred<unknown>();
  server.setRequestHandler('tools/call', async (_request, ctx: ServerContext) => {
    await askInSession(ctx, { waitMs: 50 })(requests).then(outcome.resolve, outcome.resolve);
    return { content: [] };
  });
  const client = new Client({ name: 'client', version: '1' }, { capabilities: { elicitation: {}, roots: {} } });
  const cancelled = deferred<void>();
  client.setRequestHandler(ListRootsRequestSchema, listRoots);
  client.setRequestHandler(ElicitRequestSchema, () => new Promise<never>(() => {}));
  client.setNotificationHandler(CancelledNotificationSchema, () => cancelled.resolve());
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  closers.push(() => client.close());
  await server.connect(ours);
  await client.connect(theirs);
  await client.callTool({ name: 'ask', arguments: {} });
  return { outcome: await outcome.promise, cancelled: cancelled.promise };
}

const form = {
  method: 'elicitation/create',
  params: { message: 'Well?', requestedSchema: { type: 'object', properties: {} } },
} as const;

it('a client is not waited for without end', async () => {
  const { outcome, cancelled } = await ask({ form }, async () => ({ roots: [] }));

  expect(outcome).toMatchObject({
    name: 'ActionTimeoutError',
    message: 'The client did not answer elicitation/create ("form") within 0.05 seconds',
  });
  await cancelled;
});

it('as soon as one of several requests fails, the others are cancelled', async () => {
  const { outcome, cancelled } = await ask({ form, folders: { method: 'roots/list' } }, async () => {
    throw new Error('No folders');
  });

  expect(outcome).toMatchObject({ name: 'ClientCapabilityError', message: expect.stringContaining('No folders') });
  await cancelled;
});

it('many requests at once are no leak that Node would have to warn of', async () => {
  const warnings: Error[] = [];
  const keep = (warning: Error) => void warnings.push(warning);
  process.on('warning', keep);
  closers.push(async () => void process.off('warning', keep));

  const { outcome } = await ask(
    Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`folders${index}`, { method: 'roots/list' }])),
    async () => ({ roots: [] }),
  );
  // Node tells of warnings in a tick of their own.
  await new Promise(resolve => setImmediate(resolve));

  expect(Object.keys(outcome as object)).toHaveLength(20);
  expect(warnings).toEqual([]);
});
