import todoPlugin from '@callboard/plugin-example-todo-backend';
import mcpFeatures from '@callboard/plugin-mcp-actions-backend';
import { clientKinds, connectClient, startTestApp, type TestApp } from '@callboard/test-utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let app: TestApp;
let url: string;
beforeAll(async () => {
  app = await startTestApp({
    features: [mcpFeatures, todoPlugin],
    config: {
      backend: { actions: { pluginSources: ['todo'] } },
      mcpActions: {
        servers: { readers: { name: 'Readers', filter: { include: [{ attributes: { readOnly: true } }] } } },
      },
    },
  });
  url = `${app.url}/api/mcp-actions/v1`;
});
afterAll(() => app.stop());

describe.each(clientKinds)('the client %s', kind => {
  it('connects, in the era that it asks for', async () => {
    const client = await connectClient({ url, token: app.token, kind });

    expect(client.era).toBe(kind === 'v2-modern' || kind === 'v2-auto' ? 'modern' : 'legacy');
    await client.close();
  });

  it('lists the actions of the sample plugin', async () => {
    const client = await connectClient({ url, token: app.token, kind });

    const tools = await client.listTools();

    expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(['todo.greet-user', 'todo.purge-done']));
    expect(tools.find(({ name }) => name === 'todo.greet-user')).toMatchObject({
      title: 'Greet User',
      inputSchema: { required: ['name'] },
      outputSchema: { required: ['greeting'] },
    });
    await client.close();
  });

  it('does a piece of work with them', async () => {
    const client = await connectClient({ url, token: app.token, kind });

    const created = await client.callTool('todo.create-item', { title: `Written by ${kind}` });
    const { id } = created.structuredContent as { id: string };
    await client.callTool('todo.complete-item', { id });
    const got = await client.callTool('todo.get-item', { id });

    expect(got.structuredContent).toMatchObject({ id, title: `Written by ${kind}`, done: true });
    expect(JSON.parse(got.content[0]?.text as string)).toEqual(got.structuredContent);
    await client.close();
  });

  it('is told what is wrong, and goes on', async () => {
    const client = await connectClient({ url, token: app.token, kind });

    const wrongInput = await client.callTool('todo.create-item', { title: '' });
    const notThere = await client.callTool('todo.get-item', { id: 'nosuch' });
    const unknownTool = client.callTool('todo.nosuch');

    expect(wrongInput.isError).toBe(true);
    expect(wrongInput.content[0]?.text).toMatch(/^InputError: Invalid input to action "todo:create-item": title: /);
    expect(notThere.content[0]?.text).toMatch(/^NotFoundError: /);
    await expect(unknownTool).rejects.toMatchObject({ code: -32602 });
    expect((await client.callTool('todo.greet-user', { name: 'Ada' })).structuredContent).toEqual({
      greeting: 'Hello Ada!',
    });
    await client.close();
  });

  it('sees just the actions of a named server', async () => {
    const client = await connectClient({ url: `${url}/readers`, token: app.token, kind });

    const tools = await client.listTools();

    expect(tools.length).toBeGreaterThan(0);
    expect(tools.every(({ annotations }) => annotations?.readOnlyHint === true)).toBe(true);
    await expect(client.callTool('todo.purge-done', { olderThanDays: 0 })).rejects.toMatchObject({ code: -32602 });
    await client.close();
  });

  it('does not connect with a token that is not known', async () => {
    await expect(connectClient({ url, token: 'not-a-token-0123456789', kind })).rejects.toThrow();
  });
});
