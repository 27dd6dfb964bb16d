import todoPlugin from '@callboard/plugin-example-todo-backend';
import mcpFeatures from '@callboard/plugin-mcp-actions-backend';
import {
  type Answering,
  type ClientKind,
  clientKinds,
  connectClient,
  startTestApp,
  type TestApp,
} from '@callboard/test-utils';
import type { Client } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({
    features: [mcpFeatures, todoPlugin],
    config: {
      backend: { actions: { pluginSources: ['todo'] } },
      mcpActions: { servers: { exact: { name: 'Exact', toolNames: 'exact' } } },
    },
  });
});
afterAll(() => app.stop());

async function connect(kind: ClientKind, options: { path?: string; answer?: Answering } = {}) {
  const { path = '', ...rest } = options;
  const client = await connectClient({
    url: `${app.url}/api/mcp-actions/v1${path}`,
    token: app.token,
    kind,
    ...rest,
  });
  return { ...client, raw: client.raw as Client };
}

describe.each(clientKinds)('the sample plugin, to the client %s', kind => {
  it('has the board and each item to read, and completes what one types', async () => {
    const { raw, callTool, close } = await connect(kind);
    const created = await callTool('todo.create-item', { title: `Read by ${kind}`, labels: [`label-of-${kind}`] });
    const { id } = created.structuredContent as { id: string };

    const { resources } = await raw.listResources();
    const { resourceTemplates } = await raw.listResourceTemplates();
    const board = await raw.readResource({ uri: 'todo://board' });
    const item = await raw.readResource({ uri: `todo://items/${id}` });
    const ids = await raw.complete({
      ref: { type: 'ref/resource', uri: 'todo://items/{id}' },
      argument: { name: 'id', value: id.slice(0, 20) },
    });
    const labels = await raw.complete({
      ref: { type: 'ref/prompt', name: 'todo.plan-week' },
      argument: { name: 'label', value: `label-of-${kind}` },
    });
    await close();

    expect(resources.map(({ uri }) => uri)).toEqual(expect.arrayContaining(['todo://board', `todo://items/${id}`]));
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual(['todo://items/{id}']);
    expect(board.contents).toEqual([
      {
        uri: 'todo://board',
        mimeType: 'text/markdown',
        text: expect.stringContaining(`- [Read by ${kind}](todo://items/${id}), #label-of-${kind}`),
      },
    ]);
    expect(JSON.parse((item.contents[0] as { text: string }).text)).toEqual(created.structuredContent);
    expect(ids.completion.values).toEqual([id]);
    expect(labels.completion.values).toEqual([`label-of-${kind}`]);
  });

  it('has a prompt with typed arguments', async () => {
    const { raw, callTool, close } = await connect(kind);
    await callTool('todo.create-item', { title: `Planned by ${kind}`, labels: [`plan-of-${kind}`] });

    const { prompts } = await raw.listPrompts();
    const { messages } = await raw.getPrompt({
      name: 'todo.plan-week',
      arguments: { days: '3', label: `plan-of-${kind}` },
    });
    const wrong = raw.getPrompt({ name: 'todo.plan-week', arguments: { days: 'many' } });

    await expect(wrong).rejects.toMatchObject({ code: -32602, message: expect.stringContaining('days') });
    await close();
    expect(prompts.map(({ name }) => name)).toEqual(['todo.plan-week']);
    expect(messages[0]?.content).toMatchObject({ text: expect.stringContaining('Plan my next 3 working days') });
    expect(messages[1]?.content).toMatchObject({
      resource: { text: expect.stringContaining(`Planned by ${kind}`) },
    });
  });

  it('calls an action and a prompt by names of their own where the server says so', async () => {
    const { raw, listTools, close } = await connect(kind, { path: '/exact' });

    const tools = (await listTools()).map(({ name }) => name);
    const { prompts } = await raw.listPrompts();
    await close();

    expect(tools).toContain('todo_list_items');
    expect(tools).not.toContain('todo.list-items');
    expect(tools).toContain('todo.get-item');
    expect(prompts.map(({ name }) => name)).toEqual(['plan_week']);
  });

  it('shows a list as a table, besides its structure', async () => {
    const { callTool, close } = await connect(kind);
    await callTool('todo.create-item', { title: 'In a table', labels: [`table-of-${kind}`] });

    const { content, structuredContent } = await callTool('todo.list-items', { label: `table-of-${kind}` });
    await close();

    expect(content[0]?.text).toMatch(/^\| id \| title \| labels \| due \| done \|\n(\| --- ){5}\|\n.*In a table/);
    expect(structuredContent).toMatchObject({ items: [{ title: 'In a table' }] });
  });

  it('asks the person what to purge, and deletes that', async () => {
    const questions: string[] = [];
    const { callTool, close } = await connect(kind, {
      answer: question => {
        questions.push(question);
        return { action: 'accept', content: { olderThanDays: 3650 } };
      },
    });

    const { structuredContent } = await callTool('todo.purge-done');
    await close();

    expect(questions).toEqual(['Which done items shall be deleted?']);
    expect(structuredContent).toEqual({ deletedCount: 0 });
  });

  it('says what to give where the client cannot ask anybody', async () => {
    const { callTool, close } = await connect(kind);

    const { isError, content } = await callTool('todo.purge-done');
    await close();

    expect(isError).toBe(true);
    expect(content[0]?.text).toContain('InputError: olderThanDays: expected a number of days');
  });
});
