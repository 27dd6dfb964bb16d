import { coreServices, createBackendPlugin } from '@backstage/backend-plugin-api';
import { Router } from 'express';
import { describe, expect, it } from 'vitest';
import { startProbe } from './testing/startProbe.js';

const documents = [
  '/.well-known/oauth-authorization-server',
  '/.well-known/oauth-protected-resource',
  '/.well-known/oauth-protected-resource/api/mcp-actions/v1',
];

/** Stands in for an authorization server that describes itself. */
const authPlugin = createBackendPlugin({
  pluginId: 'auth',
  register(env) {
    env.registerInit({
      deps: { httpRouter: coreServices.httpRouter },
      async init({ httpRouter }) {
        const router = Router();
        router.get('/.well-known/openid-configuration', (_req, res) => void res.json({ issuer: 'the issuer' }));
        httpRouter.use(router);
        httpRouter.addAuthPolicy({ path: '/.well-known', allow: 'unauthenticated' });
      },
    });
  },
});

describe('OAuth metadata', () => {
  it('is not there while this backend issues no tokens', async () => {
    const app = await startProbe();

    const statuses = await Promise.all(documents.map(async path => (await fetch(`${app.origin}${path}`)).status));

    expect(statuses).toEqual([404, 404, 404]);
    await app.stop();
  });

  it.each([
    { experimentalDynamicClientRegistration: { enabled: true } },
    { clientIdMetadataDocuments: { enabled: true } },
    { experimentalClientIdMetadataDocuments: { enabled: true } },
  ])('tells with %j where to get a token for each server, and the 401 says where that stands', async auth => {
    const app = await startProbe({
      features: [authPlugin],
      config: { auth, mcpActions: { servers: { named: { name: 'N' } } } },
    });
    const getJson = async (path: string) => (await fetch(`${app.origin}${path}`)).json();

    const refused = await app.request('tools/list', {}, { token: null });
    const refusedNamed = await app.request('tools/list', {}, { token: null, path: '/named' });

    const metadataUrl = `${app.origin}/.well-known/oauth-protected-resource/api/mcp-actions/v1`;
    expect(refused.headers.get('www-authenticate')).toBe(
      `Bearer realm="mcp-actions", resource_metadata="${metadataUrl}", scope="openid"`,
    );
    expect(refusedNamed.headers.get('www-authenticate')).toContain(`resource_metadata="${metadataUrl}/named"`);
    expect(await (await fetch(metadataUrl)).json()).toMatchObject({
      resource: app.url,
      authorization_servers: [`${app.origin}/api/auth`],
    });
    expect(await getJson('/.well-known/oauth-protected-resource')).toMatchObject({ resource: app.url });
    expect(await (await fetch(`${metadataUrl}/named`)).json()).toMatchObject({ resource: `${app.url}/named` });
    expect((await fetch(`${metadataUrl}/nosuch`)).status).toBe(404);
    expect(await getJson('/.well-known/oauth-authorization-server')).toEqual({ issuer: 'the issuer' });
    await app.stop();
  });

  it('has external addresses behind a proxy with a path prefix, and so has the stream of HTTP+SSE', async () => {
    const app = await startProbe({
      features: [authPlugin],
      config: {
        auth: { clientIdMetadataDocuments: { enabled: true } },
        mcpActions: { allowedHosts: ['portal.example.com'] },
        discovery: {
          endpoints: [
            {
              target: { external: 'https://portal.example.com/backend/api/{{pluginId}}' },
              plugins: ['mcp-actions', 'auth'],
            },
          ],
        },
      },
    });

    const { resource } = (await (await fetch(`${app.origin}/.well-known/oauth-protected-resource`)).json()) as {
      resource: string;
    };

    expect(resource).toBe('https://portal.example.com/backend/api/mcp-actions/v1');
    const refused = await app.request('tools/list', {}, { token: null });
    const [, metadataUrl] = /resource_metadata="([^"]+)"/.exec(refused.headers.get('www-authenticate') ?? '') ?? [];
    const { pathname } = new URL(metadataUrl as string);
    expect(pathname).toBe('/.well-known/oauth-protected-resource/backend/api/mcp-actions/v1');
    expect(await (await fetch(`${app.origin}${pathname}`)).json()).toMatchObject({ resource });
    await app.stop();
  });

  it('names only the identity providers where this backend issues no tokens itself', async () => {
    const issuer = 'https://id.example.com';
    const app = await startProbe({ config: { auth: { externalIssuers: [{ issuer, audience: 'mcp' }] } } });

    const refused = await app.request('tools/list', {}, { token: null });
    const metadata = await (await fetch(`${app.origin}/.well-known/oauth-protected-resource`)).json();

    expect(metadata).toMatchObject({
      authorization_servers: [issuer],
      scopes_supported: ['actions:read', 'actions:write', 'actions:destructive'],
    });
    expect(refused.headers.get('www-authenticate')).toContain('scope="actions:read actions:write"');
    expect((await fetch(`${app.origin}/.well-known/oauth-authorization-server`)).status).toBe(404);
    await app.stop();
  });
});
