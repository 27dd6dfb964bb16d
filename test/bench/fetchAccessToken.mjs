import { createHash, randomBytes } from 'node:crypto';
import { hiddenField, Visitor } from '@callboard/test-utils';

const redirectUri = 'http://127.0.0.1:9999/callback';
const scope = 'actions:read';

/**
 * Does what an MCP client does that knows no more than the URL: registers, sends the guest through sign-in and
 * consent, and exchanges the code.
 *
 * @returns An access token for the default MCP server.
 */
export async function fetchAccessToken({ port }) {
  const origin = `http://localhost:${port}`;
  const resource = `${origin}/api/mcp-actions/v1`;
  const verifier = randomBytes(32).toString('base64url');
  const clientId = await register(origin);
  const query = new URLSearchParams({
    client_id: clientId,
    response_type: 'code',
    redirect_uri: redirectUri,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    state: 'bench',
    scope,
    resource,
  });
  const code = await approve(new Visitor(origin), origin, `/api/auth/v1/authorize?${query}`);
  const { access_token } = await readAnswer(
    await fetch(`${origin}/api/auth/v1/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: clientId,
        redirect_uri: redirectUri,
        code_verifier: verifier,
        code,
        resource,
      }),
    }),
  );
  return access_token;
}

async function register(origin) {
  const { client_id } = await readAnswer(
    await fetch(`${origin}/api/auth/v1/register`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({
        client_name: 'Bench',
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
      }),
    }),
  );
  return client_id;
}

/**
 * Signs the guest in, approves everything, and follows until the browser is sent back to the client.
 *
 * @returns The code that it brings along.
 */
async function approve(visitor, origin, path) {
  let { location, page } = await openPage(visitor, origin, path);
  for (const [step, fields] of [
    ['sign-in', { method: 'guest' }],
    ['consent', { decision: 'approve', scope }],
  ]) {
    const [, action] = new RegExp(`<form[^>]*action="([^"]*/${step})"`).exec(page.text) ?? [];
    if (!action) {
      throw new Error(`Expected the form for ${step} at ${location}, got ${page.status}: ${page.text.slice(0, 300)}`);
    }
    const sent = await visitor.post(action, { csrf: hiddenField(page, 'csrf'), ...fields });
    ({ location, page } = await openPage(visitor, origin, sent.location));
  }
  const code = new URL(location).searchParams.get('code');
  if (!code) {
    throw new Error(`Signing in ended at ${location}, without a code`);
  }
  return code;
}

/** Follows for as long as it stays on the server. */
async function openPage(visitor, origin, start) {
  let location = new URL(start, origin).href;
  let page;
  while (location.startsWith(`${origin}/`)) {
    page = await visitor.get(location);
    if (!page.location) {
      break;
    }
    location = new URL(page.location, location).href;
  }
  return { location, page };
}

async function readAnswer(response) {
  const text = await response.text();
  if (!response.ok) {
    throw new Error(`${response.url} answered ${response.status}: ${text.slice(0, 300)}`);
  }
  return JSON.parse(text);
}
