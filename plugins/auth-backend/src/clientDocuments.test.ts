import type { ServerResponse } from 'node:http';
import { startTlsServer } from '@callboard/test-utils';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createDocumentFetch } from './registration/fetchDocument.js';
import { Browser } from './testing/Browser.js';
import { type AuthApp, answer, startAuthApp } from './testing/startAuthApp.js';

const redirectUri = 'http://127.0.0.1:9999/callback';
let website: Awaited<ReturnType<typeof startTlsServer>>;
let app: AuthApp;
let documents: Record<string, (response: ServerResponse) => void>;
let fetched: string[];

beforeAll(async () => {
  website = await startTlsServer(['client.example'], (request, response) => {
    fetched.push(request.url as string);
    const serve = documents[request.url as string] ?? (missing => missing.writeHead(404).end());
    serve(response);
  });
  app = await startAuthApp({
    auth: {
      experimentalDynamicClientRegistration: { enabled: false },
      clientIdMetadataDocuments: {
        enabled: true,
        allowedClientIdPatterns: [`https://client.example:${website.port}/apps/*`],
      },
    },
    surroundings: {
      fetchDocument: createDocumentFetch({
        ca: website.ca,
        allowsPrivate: () => true,
        lookup: (_hostname, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
      }),
    },
  });
});
afterAll(async () => {
  await app?.stop();
  await website?.stop();
});
beforeEach(() => {
  documents = {};
  fetched = [];
});

function publish(name: string, changes: Record<string, unknown> = {}): string {
  const id = `https://client.example:${website.port}/apps/${name}`;
  const document = {
    client_id: id,
    client_name: 'Document Client',
    redirect_uris: [redirectUri, 'https://elsewhere.example/cb'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    scope: 'openid foreign',
    ...changes,
  };
  documents[new URL(id).pathname] = response =>
    void response.setHeader('Content-Type', 'application/json').end(JSON.stringify(document));
  return id;
}

test('a client that is known by its document signs in; the document is fetched once', async () => {
  const id = publish('good.json');

  const tokens = await app.signIn(id);
  const refreshed = await app.refresh(id, tokens.refresh_token);

  expect(refreshed.status).toBe(200);
  expect((await app.exchange(refreshed.body.access_token)).body).toMatchObject({
    clientId: id,
    clientName: 'Document Client',
  });
  expect(fetched).toEqual(['/apps/good.json']);
});

test('the metadata says so, and registration is not there', async () => {
  const metadata = await answer(await fetch(`${app.issuer}/.well-known/oauth-authorization-server`));

  expect(metadata.body).toMatchObject({ client_id_metadata_document_supported: true });
  expect(metadata.body).not.toHaveProperty('registration_endpoint');
  expect((await app.register()).status).toBe(404);
});

test.each<[string, Record<string, unknown>]>([
  ['another client_id', { client_id: 'https://client.example/apps/other.json' }],
  ['no client_id', { client_id: undefined }],
  ['a secret', { client_secret: 'x'.repeat(40) }],
  ['an authentication by secret', { token_endpoint_auth_method: 'client_secret_basic' }],
  ['only foreign redirect URIs', { redirect_uris: ['https://elsewhere.example/cb'] }],
  ['redirect URIs that are no strings', { redirect_uris: [{}] }],
  ['a huge name', { client_name: 'x'.repeat(10_000) }],
])('a document with %s is refused on a page of the server', async (name, changes) => {
  const id = publish(`${name.replaceAll(' ', '-')}.json`, changes);

  const page = await new Browser(app.url).open((await app.authorizeUrl(id)).url);

  expect(page.status).toBe(400);
  expect(new URL(page.url).origin).toBe(app.url);
});

test('a redirect URI that the document lists but the server does not allow is refused', async () => {
  const id = publish('foreign.json');

  const page = await new Browser(app.url).open(
    (await app.authorizeUrl(id, { redirect_uri: 'https://elsewhere.example/cb' })).url,
  );

  expect(page.status).toBe(400);
});

test.each([
  ['of another host', () => `https://127.0.0.1:${website.port}/apps/x.json`],
  ['of another path', () => `https://client.example:${website.port}/other/x.json`],
  ['of another port', () => 'https://client.example/apps/x.json'],
  ['with a query', () => `https://client.example:${website.port}/apps/x.json?a=b`],
  ['with a fragment', () => `https://client.example:${website.port}/apps/x.json#a`],
  ['with userinfo', () => `https://user@client.example:${website.port}/apps/x.json`],
  ['that climbs', () => `https://client.example:${website.port}/apps/../x.json`],
  ['that climbs in disguise', () => `https://client.example:${website.port}/apps/%2e%2e/x.json`],
  ['without TLS', () => `http://client.example:${website.port}/apps/x.json`],
])('a document %s is not fetched', async (_name, id) => {
  const page = await new Browser(app.url).open((await app.authorizeUrl(id())).url);

  expect(page.status).toBe(400);
  expect(fetched).toEqual([]);
});
