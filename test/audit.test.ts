import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import auditFeatures, { verifyTrail } from '@callboard/plugin-audit-backend';
import todoPlugin from '@callboard/plugin-example-todo-backend';
import mcpFeatures from '@callboard/plugin-mcp-actions-backend';
import {
  type ConnectedClient,
  clientKinds,
  connectClient,
  startTestApp,
  type TestApp,
  type ToolResult,
} from '@callboard/test-utils';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { callsIn, makeFolder, textOf } from '../plugins/audit-backend/src/testing/trailFolder.js';

let folder: ReturnType<typeof makeFolder>;
let directory: string;
let app: TestApp;

beforeAll(async () => {
  folder = makeFolder();
  directory = join(folder.path, 'audit');
  app = await startTestApp({
    features: [mcpFeatures, todoPlugin, auditFeatures],
    config: {
      backend: { actions: { pluginSources: ['todo'] } },
      mcpActions: { servers: { other: { name: 'Other', mode: 'safe' } } },
      audit: { file: { directory } },
    },
  });
});

afterAll(async () => {
  await app?.stop();
  folder?.remove();
});

const principal = 'servicePrincipal{mcp-clients}';

/** The answer to a call that does not run: a result, or a protocol error, which some clients throw. */
const refusalOf = (call: Promise<ToolResult>): Promise<string> =>
  call.then(
    result => (result.isError ? (result.content[0]?.text ?? '') : 'It ran'),
    error => String(error),
  );

describe.each(clientKinds)('with an audit trail, a call by %s', kind => {
  let client: ConnectedClient;
  let recordsBefore: number;

  beforeEach(async () => {
    client = await connectClient({ url: `${app.url}/api/mcp-actions/v1`, token: app.token, kind });
    recordsBefore = callsIn(directory).length;
  });
  afterEach(() => client.close());

  const newRecords = () => callsIn(directory).slice(recordsBefore);

  it('leaves its intent and its outcome', async () => {
    await client.callTool('todo.create-item', { title: 'Water the plants' });

    const about = {
      principal,
      agentId: expect.any(String),
      door: 'mcp',
      name: 'todo.create-item',
      actionId: 'todo:create-item',
      effect: 'create',
      mode: 'full_access',
      decision: 'allow',
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
    };
    const [intent, outcome, ...more] = newRecords();
    expect(intent).toMatchObject({ kind: 'intent', ...about, input: { title: 'Water the plants' } });
    expect(outcome).toMatchObject({
      kind: 'outcome',
      ...about,
      requestId: intent?.requestId,
      durationMs: expect.any(Number),
    });
    expect(outcome).not.toHaveProperty('error');
    expect(outcome).not.toHaveProperty('input');
    expect(more).toEqual([]);
  });

  it('leaves the error with its outcome, if it fails', async () => {
    const answer = await client.callTool('todo.get-item', { id: 'gone' });

    expect(answer.isError).toBe(true);
    expect(newRecords()).toMatchObject([
      { kind: 'intent', effect: 'read', input: { id: 'gone' } },
      {
        kind: 'outcome',
        effect: 'read',
        error: { name: 'NotFoundError', message: expect.stringContaining('Item "gone" not found') },
      },
    ]);
  });

  it('leaves one record, if there is no such tool', async () => {
    const refusal = await refusalOf(client.callTool('todo.paint-item', { title: 'x' }));

    expect(refusal).toContain('todo.paint-item');
    const records = newRecords();
    expect(records).toMatchObject([
      {
        kind: 'refusal',
        principal,
        door: 'mcp',
        name: 'todo.paint-item',
        decision: 'refuse_unknown',
        durationMs: expect.any(Number),
        error: { name: 'NotFoundError' },
      },
    ]);
    expect(records[0]).not.toHaveProperty('actionId');
  });

  it('leaves one record, if its input is not allowed', async () => {
    const refusal = await refusalOf(client.callTool('todo.create-item', { title: 5 }));

    expect(refusal).toContain('InputError');
    expect(newRecords()).toMatchObject([
      {
        kind: 'refusal',
        principal,
        door: 'mcp',
        name: 'todo.create-item',
        actionId: 'todo:create-item',
        effect: 'create',
        decision: 'refuse_input',
        durationMs: expect.any(Number),
        error: { name: 'InputError' },
      },
    ]);
  });

  it('leaves no secrets, whether it runs, fails or is refused', async () => {
    await client.callTool('todo.create-item', {
      title: 'Ask postgres://ada:canary-url@db',
      notes: 'token=canary-note',
    });
    await client.callTool('todo.get-item', { id: 'Bearer canary-of-bearer' });
    await client.callTool('todo.create-item', { title: 'canary-field, twice', password: 'canary-field' });
    await refusalOf(client.callTool('todo.paint?token=canary-name', { apiKey: 'canary-key' }));

    expect(newRecords().map(({ kind }) => kind)).toEqual([
      'intent',
      'outcome',
      'intent',
      'outcome',
      'refusal',
      'refusal',
    ]);
    expect(textOf(directory)).not.toContain('canary');
  });

  it('does not run while the trail cannot be written, and runs again when it can', async () => {
    const title = `Unrecorded by ${kind}`;
    const logsBefore = app.logs.length;

    const refusal = await withoutTrail(() => client.callTool('todo.create-item', { title }));
    const { structuredContent } = await client.callTool('todo.list-items', {});

    const alerts = app.logs.slice(logsBefore).filter(({ isAlert }) => isAlert);
    expect(alerts).toMatchObject([{ alertEvent: 'audit_failure', place: 'files' }]);
    expect(refusal).toMatch(/^ServiceUnavailableError: .*"todo:create-item" did not run/);
    expect(JSON.stringify(structuredContent)).not.toContain(title);
    expect(newRecords()).toMatchObject([
      { kind: 'intent', name: 'todo.list-items' },
      { kind: 'outcome', name: 'todo.list-items' },
    ]);
    expect(await newestRefusal()).toMatchObject({ name: 'todo.create-item', input: { title } });
  });

  // The reason, with the folder's path, is for the log; the answer has it as its cause.
  it('is not told where the trail is that cannot be written', async () => {
    const refusal = await withoutTrail(() => client.callTool('todo.list-items', {}));

    expect(refusal).not.toContain(directory);
  });
});

/** Makes a call while the folder is gone and cannot be made again. */
async function withoutTrail(call: () => Promise<ToolResult>): Promise<string> {
  renameSync(directory, `${directory}.away`);
  writeFileSync(directory, '');
  try {
    return await refusalOf(call());
  } finally {
    rmSync(directory);
    renameSync(`${directory}.away`, directory);
  }
}

/** Of a call that the other place of the trail, the database, could still take. */
async function newestRefusal(): Promise<unknown> {
  const response = await fetch(`${app.url}/api/audit/v1/events?decision=refuse_unrecorded&limit=1`, {
    headers: { Authorization: `Bearer ${app.token}` },
  });
  return ((await response.json()) as { events: unknown[] }).events[0];
}

describe('with an audit trail', () => {
  it('a call at a named server says at which', async () => {
    const url = `${app.url}/api/mcp-actions/v1/other`;
    const client = await connectClient({ url, token: app.token, kind: 'v2-modern' });

    await client.callTool('todo.list-items');

    expect(callsIn(directory).slice(-2)).toMatchObject([
      { kind: 'intent', door: 'mcp', server: 'other' },
      { kind: 'outcome', door: 'mcp', server: 'other' },
    ]);
    await client.close();
  });

  it('a call that a person has to approve says so, and in which mode', async () => {
    const url = `${app.url}/api/mcp-actions/v1/other`;
    const client = await connectClient({ url, token: app.token, kind: 'v2-modern' });

    await refusalOf(client.callTool('todo.create-item', { title: 'Water the plants' }));

    expect(callsIn(directory).at(-1)).toMatchObject({
      kind: 'refusal',
      server: 'other',
      actionId: 'todo:create-item',
      mode: 'safe',
      decision: expect.stringMatching(/^needs_approval_/),
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    await client.close();
  });

  it('all of these calls can be verified', async () => {
    expect(await verifyTrail(directory)).toMatchObject({ ok: true, last: { seq: callsIn(directory).at(-1)?.seq } });
  });
});
