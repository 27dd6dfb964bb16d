import { NotFoundError } from '@backstage/errors';
import { freePort } from '@callboard/test-utils';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { actionsPlugin, inProcessCaller } from '../testing/actionsPlugin.js';
import { gatesPlugin } from '../testing/gatesPlugin.js';
import { decidingPermissions } from '../testing/permissions.js';
import { archivePermission } from '../testing/sampleActions.js';
import { startTestBackend, type TestBackend } from '../testing/startTestBackend.js';
import { createUserTokens } from '../testing/userTokens.js';

/** What the handlers in the other backend were called with. */
const handled: { action: string; input?: unknown; secrets?: unknown; principal: string }[] = [];

const todo = actionsPlugin('todo', registry => {
  registry.register({
    name: 'echo',
    title: 'Echo',
    description: 'Answers with its input.',
    schema: { input: z => z.object({ text: z.string().trim() }), output: z => z.object({ text: z.string() }) },
    action: async ({ input, credentials }) => {
      handled.push({ action: 'echo', input, principal: String(credentials.principal) });
      return { output: { text: input.text } };
    },
  });
  registry.register({
    name: 'share',
    title: 'Share',
    description: 'Takes a secret.',
    schema: { input: z => z.object({}), output: z => z.object({}), secrets: z => z.object({ key: z.string() }) },
    action: async ({ secrets, credentials }) => {
      handled.push({ action: 'share', secrets, principal: String(credentials.principal) });
      return { output: {} };
    },
  });
  registry.register({
    name: 'archive',
    title: 'Archive',
    description: 'Is seen by Ann alone.',
    visibilityPermission: archivePermission,
    schema: { input: z => z.object({}), output: z => z.object({}) },
    action: async () => ({ output: {} }),
  });
  registry.register({
    name: 'fail',
    title: 'Fail',
    description: 'Throws.',
    schema: { input: z => z.object({}), output: z => z.object({}) },
    action: async () => {
      throw new NotFoundError('Item "7" not found');
    },
  });
});

describe.each(['callboard', 'stock'] as const)('a source in another backend, with the actions services of %s', kind => {
  const caller = inProcessCaller();
  const gatesAsked: string[] = [];
  let users: Awaited<ReturnType<typeof createUserTokens>>;
  let here: TestBackend;
  let there: TestBackend;

  beforeAll(async () => {
    users = await createUserTokens();
    const [portHere, portThere] = [await freePort(), await freePort()];
    const endpoint = (port: number, plugins: string[]) => ({
      target: `http://127.0.0.1:${port}/api/{{ pluginId }}`,
      plugins,
    });
    const isAnn = decidingPermissions((_, principal) => principal.includes('ann'));
    [here, there] = await Promise.all([
      startTestBackend({
        port: portHere,
        features: [
          users.feature,
          caller.feature,
          gatesPlugin({
            id: 'recorder',
            stage: 'scopes',
            check: call => void gatesAsked.push(`${call.door} ${call.action.id}`),
          }),
        ],
        config: { discovery: { endpoints: [endpoint(portThere, ['todo'])] } },
        backendConfig: { actions: { pluginSources: ['todo'] } },
      }),
      startTestBackend({
        port: portThere,
        actions: kind,
        features: [todo, isAnn.feature],
        config: { discovery: { endpoints: [endpoint(portHere, ['auth', 'caller'])] } },
        backendConfig: { actions: { pluginSources: ['todo'] } },
      }),
    ]);
  });

  afterAll(() => Promise.all([here?.stop(), there?.stop()]));

  beforeEach(() => {
    handled.length = 0;
    gatesAsked.length = 0;
    here.logs.length = 0;
  });

  const asUser = async (name: string) => caller.authenticate(await users.issue(`user:default/${name}`));
  const idsFor = async (credentials: Awaited<ReturnType<typeof asUser>>) => {
    const { actions } = await caller.actions.list({ credentials });
    return actions.map(({ id }) => id);
  };

  test('is listed as it lists itself', async () => {
    const { actions } = await caller.actions.list({ credentials: await asUser('bob') });
    const { body } = await there.listActions('todo');

    expect(actions).toEqual(body.actions);
    expect(actions).toHaveLength(3);
  });

  test('shows each user what that user may see, and lets them call that', async () => {
    const [ann, bob] = [await asUser('ann'), await asUser('bob')];
    const archive = (credentials: typeof ann) => caller.actions.invoke({ id: 'todo:archive', input: {}, credentials });

    expect(await idsFor(ann)).toContain('todo:archive');
    expect(await idsFor(bob)).not.toContain('todo:archive');
    await expect(archive(ann)).resolves.toEqual({ output: {} });
    await expect(archive(bob)).rejects.toMatchObject({ name: 'NotFoundError' });
  });

  test('is called on behalf of the user, with the calling plugin as actor', async () => {
    const { output } = await caller.actions.invoke({
      id: 'todo:echo',
      input: { text: ' tea ' },
      credentials: await asUser('ann'),
    });

    expect(output).toEqual({ text: 'tea' });
    expect(handled).toEqual([
      {
        action: 'echo',
        input: { text: 'tea' },
        principal: 'userPrincipal{user:default/ann,actor={servicePrincipal{plugin:caller}}}',
      },
    ]);
  });

  test('is called by services as the calling plugin, secrets included', async () => {
    const credentials = await caller.ownCredentials();

    await caller.actions.invoke({ id: 'todo:share', input: {}, secrets: { key: 'k' }, credentials });

    expect(handled).toEqual([{ action: 'share', secrets: { key: 'k' }, principal: 'servicePrincipal{plugin:caller}' }]);
  });

  test('is asked only after the gates here', async () => {
    await caller.actions.invoke({ id: 'todo:echo', input: { text: 'a' }, credentials: await caller.ownCredentials() });

    expect(gatesAsked).toEqual(['in-process todo:echo']);
  });

  test('fails here as it fails there, and the audit here has the error', async () => {
    const failed = caller.actions.invoke({ id: 'todo:fail', input: {}, credentials: await caller.ownCredentials() });

    await expect(failed).rejects.toMatchObject({ cause: { name: 'NotFoundError', message: 'Item "7" not found' } });
    expect(here.auditEvents.at(-1)).toMatchObject({
      status: 'failed',
      error: { cause: { message: 'Item "7" not found' } },
      meta: { actionId: 'todo:fail', pluginId: 'todo' },
    });
  });

  test('checks input for itself', async () => {
    const failed = caller.actions.invoke({
      id: 'todo:echo',
      input: { text: 1 },
      credentials: await caller.ownCredentials(),
    });

    await expect(failed).rejects.toMatchObject({
      cause: { name: 'InputError', message: expect.stringMatching(/^Invalid input to action "todo:echo"/) },
    });
    expect(handled).toEqual([]);
  });

  test('that stops is still listed, and calling it says that it does not answer', async () => {
    const credentials = await caller.ownCredentials();
    await idsFor(credentials);
    await there.stop();

    const failed = caller.actions.invoke({ id: 'todo:echo', input: { text: 'a' }, credentials });

    await expect(failed).rejects.toMatchObject({ name: 'ServiceUnavailableError' });
    expect(await idsFor(credentials)).toContain('todo:echo');
  });
});
