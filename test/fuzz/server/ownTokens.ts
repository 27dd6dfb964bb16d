import { coreServices, createBackendPlugin } from '@backstage/backend-plugin-api';
import express from 'express';
import PromiseRouter from 'express-promise-router';
import { CompactSign, compactVerify, exportJWK, generateKeyPair } from 'jose';

/** What an access token says by itself, so that nobody has to sign in for one. */
interface Granted {
  readonly person: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
}

/** Stands in for the authorization server, and refuses what it has not signed. */
export async function ownTokens() {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const kid = 'key-of-the-fuzzer';
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' };
  const sign = (typ: string, claims: object) =>
    new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
      .setProtectedHeader({ typ, alg: 'ES256', kid })
      .sign(privateKey);

  async function userToken(person: string): Promise<string> {
    const iat = Math.floor(Date.now() / 1000);
    const exp = iat + 3_600;
    const limited = await sign('vnd.backstage.limited-user', { sub: person, iat, exp });
    return sign('vnd.backstage.user', { sub: person, iat, exp, aud: 'backstage', uip: limited.split('.')[2] });
  }

  async function readAccessToken(token: unknown): Promise<Granted | undefined> {
    try {
      const { payload, protectedHeader } = await compactVerify(String(token), publicKey);
      return protectedHeader.typ === 'at+jwt' ? JSON.parse(Buffer.from(payload).toString()) : undefined;
    } catch {
      // Not one of ours.
      return undefined;
    }
  }

  const feature = createBackendPlugin({
    pluginId: 'auth',
    register(env) {
      env.registerInit({
        deps: { httpRouter: coreServices.httpRouter },
        async init({ httpRouter }) {
          const router = PromiseRouter();
          router.get('/.well-known/jwks.json', async (_request, response) => {
            response.json({ keys: [jwk] });
          });
          router.post('/v1/mcp-token', express.json(), async (request, response) => {
            const granted = await readAccessToken(request.body.token);
            if (!granted) {
              response.status(401).json({});
              return;
            }
            const { person, clientId, scopes } = granted;
            const expiresAt = new Date(Date.now() + 600_000).toISOString();
            response.json({ token: await userToken(person), expiresAt, clientId, clientName: clientId, scopes });
          });
          httpRouter.use(router);
          httpRouter.addAuthPolicy({ path: '/.well-known', allow: 'unauthenticated' });
        },
      });
    },
  });
  return { feature, userToken, accessToken: (granted: Granted) => sign('at+jwt', granted) };
}
