import { createHash, randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

export const clientSecret = 'a-secret-of-the-backend';

/** Whoever is signed in at the identity provider. */
export interface RemotePerson {
  login: string;
  email: string;
}

/** An identity provider that asks nobody: OpenID Connect with PKCE, and the few endpoints that GitHub has of it. */
export async function startFakeIdentityProvider() {
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  const codes = new Map<string, { nonce?: string; challenge?: string }>();
  const state: { person: RemotePerson; error?: string } = { person: { login: 'ada', email: 'ada@example.com' } };
  const tokens: string[] = [];
  const app = express();
  app.use(express.urlencoded({ extended: false }));
  const server = await new Promise<Server>(resolve => {
    const listening = app.listen(0, '127.0.0.1', () => resolve(listening));
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  app.get('/.well-known/openid-configuration', (_req, res) => {
    res.json({
      issuer: url,
      authorization_endpoint: `${url}/authorize`,
      token_endpoint: `${url}/token`,
      userinfo_endpoint: `${url}/userinfo`,
      jwks_uri: `${url}/jwks`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      code_challenge_methods_supported: ['S256'],
    });
  });
  app.get('/jwks', async (_req, res) => {
    res.json({ keys: [{ ...(await exportJWK(publicKey)), kid: 'key-1', alg: 'RS256', use: 'sig' }] });
  });
  app.get(['/authorize', '/login/oauth/authorize'], (req, res) => {
    const { redirect_uri, state: echoed, nonce, code_challenge: challenge } = req.query as Record<string, string>;
    const back = new URL(redirect_uri ?? '');
    back.searchParams.set('state', echoed ?? '');
    if (state.error) {
      back.searchParams.set('error', state.error);
    } else {
      const code = randomUUID();
      codes.set(code, { nonce, challenge });
      back.searchParams.set('code', code);
    }
    res.redirect(302, back.href);
  });
  app.post(['/token', '/login/oauth/access_token'], async (req, res) => {
    const { code = '', code_verifier: verifier = '' } = req.body as Record<string, string>;
    const given = codes.get(code);
    codes.delete(code);
    if (!given || (given.challenge && given.challenge !== createHash('sha256').update(verifier).digest('base64url'))) {
      res.status(400).json({ error: 'invalid_grant' });
      return;
    }
    const accessToken = `remote-access-${randomUUID()}`;
    const idToken = await new SignJWT({ nonce: given.nonce, email: state.person.email })
      .setProtectedHeader({ alg: 'RS256', kid: 'key-1' })
      .setIssuer(url)
      .setAudience('callboard')
      .setSubject(state.person.login)
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey);
    tokens.push(accessToken, idToken);
    res.json({
      access_token: accessToken,
      id_token: idToken,
      token_type: 'bearer',
      expires_in: 300,
      scope: 'read:user',
    });
  });
  app.get('/userinfo', (_req, res) => {
    const { login, email } = state.person;
    res.json({ sub: login, name: login, email, email_verified: true });
  });
  app.get('/api/v3/user', (_req, res) => {
    const { login, email } = state.person;
    res.json({ id: 1, node_id: 'N1', login, email, name: login });
  });

  return {
    url,
    /** All tokens that were given out. */
    tokens,
    signInAs(person: RemotePerson) {
      state.person = person;
    },
    refuse(error: string) {
      state.error = error;
    },
    async close() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

export type FakeIdentityProvider = Awaited<ReturnType<typeof startFakeIdentityProvider>>;
