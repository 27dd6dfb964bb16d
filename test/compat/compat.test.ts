import type { ToolResult } from '@callboard/test-utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { realClients, type ToolClient } from './realClients.js';
import { StockBackend } from './StockBackend.js';

const unrestrictedToken = 'compat-unrestricted-token';
const catalogOnlyToken = 'compat-catalog-only-token';
const readPermissionToken = 'compat-read-permission-token';

const catalogTools = [
  'catalog.get-catalog-entity',
  'catalog.get-catalog-model-description',
  'catalog.query-catalog-entities',
  'catalog.refresh-catalog-entity',
  'catalog.register-entity',
  'catalog.unregister-entity',
  'catalog.validate-entity',
];
const thirdPartyTools = ['auth.who-am-i', ...catalogTools, 'notifications.get-notifications', 'search.query'];

let backend: StockBackend;
const openClients: ToolClient[] = [];

beforeAll(async () => {
  backend = await StockBackend.start();
  for (const entity of ['component/default/box-office', 'component/default/fly-system', 'user/default/guest']) {
    await backend.waitFor(`/api/catalog/entities/by-name/${entity}`, { authorization: `Bearer ${unrestrictedToken}` });
  }
}, 150_000);

afterAll(async () => {
  try {
    await Promise.all(openClients.map(client => client.close()));
  } finally {
    await backend?.stop();
  }
});

async function connect(clientName: string, token: string): Promise<ToolClient> {
  const open = realClients.get(clientName);
  if (!open) {
    throw new Error(`No client ${clientName}`);
  }
  const client = await open({ url: `${backend.baseUrl}/api/mcp-actions/v1`, token });
  openClients.push(client);
  return client;
}

/** A tool the caller may not see is unknown: an error result, or a protocol error for clients that expect one. */
function isRefused(call: Promise<ToolResult>): Promise<boolean> {
  return call.then(
    result => result.isError === true,
    () => true,
  );
}

async function signInAsGuest(): Promise<string> {
  const response = await fetch(`${backend.baseUrl}/api/auth/guest/refresh`, { method: 'POST' });
  const { backstageIdentity } = (await response.json()) as { backstageIdentity: { token: string } };
  return backstageIdentity.token;
}

describe.each([...realClients.keys()])('in a stock backend, %s', clientName => {
  it('lists the tools of third-party plugins next to our own', async () => {
    const client = await connect(clientName, unrestrictedToken);

    const names = (await client.listTools()).map(tool => tool.name);

    expect(names).toEqual(expect.arrayContaining([...thirdPartyTools, 'todo.greet-user']));
    expect(names.filter(name => !name.startsWith('todo.')).sort()).toEqual(thirdPartyTools);
  });

  it('queries the catalog', async () => {
    const client = await connect(clientName, unrestrictedToken);

    const result = await client.callTool('catalog.query-catalog-entities', {
      query: { kind: 'Component', 'spec.lifecycle': 'production' },
      fields: ['metadata.name', 'metadata.description'],
    });

    expect(result.isError ?? false).toBe(false);
    expect(result.structuredContent).toMatchObject({
      items: [{ metadata: { name: 'box-office', description: 'Sells tickets' } }],
      totalItems: 1,
    });
    expect(JSON.parse(result.content[0]?.text ?? '')).toEqual(result.structuredContent);
  });

  it('gets the error of an action as a result with the Backstage error name', async () => {
    const client = await connect(clientName, unrestrictedToken);

    const result = await client.callTool('catalog.get-catalog-entity', { name: 'orchestra-pit' });

    expect(result).toMatchObject({
      isError: true,
      content: [{ type: 'text', text: 'InputError: No entity found with name "orchestra-pit"' }],
    });
  });

  it('calls an action that was written for Callboard', async () => {
    const client = await connect(clientName, unrestrictedToken);

    const result = await client.callTool('todo.greet-user', { name: 'Prompter' });

    expect(result.structuredContent).toMatchObject({ greeting: expect.stringContaining('Prompter') });
  });
});

describe('in a stock backend, third-party actions', () => {
  const anyClient = 'sdk-v1-streamable';

  it('validate a sound and an unsound entity', async () => {
    const client = await connect(anyClient, unrestrictedToken);
    const entity = {
      apiVersion: 'backstage.io/v1alpha1',
      kind: 'Component',
      metadata: { name: 'trap-door' },
      spec: { type: 'service', lifecycle: 'production', owner: 'stage-crew' },
    };

    const sound = await client.callTool('catalog.validate-entity', { entity: JSON.stringify(entity) });
    const unsound = await client.callTool('catalog.validate-entity', {
      entity: JSON.stringify({ ...entity, spec: { type: 'service' } }),
    });

    expect(sound.structuredContent).toMatchObject({ isValid: true, isValidYaml: true, errors: [], entity });
    expect(unsound.structuredContent).toMatchObject({
      isValid: false,
      isValidYaml: true,
      errors: [expect.stringContaining('lifecycle')],
    });
  });

  it('search, with the default of an input that was left out', async () => {
    const client = await connect(anyClient, unrestrictedToken);

    const result = await client.callTool('search.query', { term: 'tickets' });

    expect(result.structuredContent).toMatchObject({ results: [], hasMoreResults: false });
  });

  it('refuse input that their schema does not allow', async () => {
    const client = await connect(anyClient, unrestrictedToken);

    const result = await client.callTool('search.query', { term: 42 });

    expect(result.isError).toBe(true);
    expect(result.content[0]?.text).toMatch(/^InputError: .*search:query/);
  });

  it('act for the user who called, across plugins', async () => {
    const client = await connect(anyClient, await signInAsGuest());

    const whoAmI = await client.callTool('auth.who-am-i', {});
    const notifications = await client.callTool('notifications.get-notifications', { view: 'all' });

    expect(whoAmI.structuredContent).toMatchObject({
      entity: { kind: 'User', metadata: { name: 'guest' } },
      userInfo: {
        userEntityRef: 'user:default/guest',
        ownershipEntityRefs: ['user:default/guest', 'group:default/stage-crew'],
      },
    });
    expect(notifications.structuredContent).toEqual({ notifications: [], totalCount: 0 });
  });

  it('that ask for a user refuse a service', async () => {
    const client = await connect(anyClient, unrestrictedToken);

    const result = await client.callTool('auth.who-am-i', {});

    expect(result).toMatchObject({
      isError: true,
      content: [{ type: 'text', text: 'NotAllowedError: This action requires user credentials' }],
    });
  });
});

describe.each([...realClients.keys()])('in a stock backend with a restricted token, %s', clientName => {
  it('sees and calls the actions of the plugins the token names, and no others', async () => {
    const client = await connect(clientName, catalogOnlyToken);

    const names = (await client.listTools()).map(tool => tool.name);
    const allowed = await client.callTool('catalog.get-catalog-entity', { name: 'fly-system' });
    const refused = await isRefused(client.callTool('search.query', { term: 'tickets' }));

    expect([...names].sort()).toEqual(catalogTools);
    expect(allowed.structuredContent).toMatchObject({ metadata: { name: 'fly-system' } });
    expect(refused).toBe(true);
  });

  it('sees and calls nothing of a plugin for which the token has a permission restriction', async () => {
    const client = await connect(clientName, readPermissionToken);

    const names = (await client.listTools()).map(tool => tool.name);
    const refused = await isRefused(client.callTool('catalog.get-catalog-entity', { name: 'fly-system' }));

    expect(names).toEqual([]);
    expect(refused).toBe(true);
  });
});
