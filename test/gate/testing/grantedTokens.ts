import { type BackendFeature, coreServices, createBackendPlugin } from '@backstage/backend-plugin-api';
import express from 'express';
import PromiseRouter from 'express-promise-router';
import { CompactSign, exportJWK, generateKeyPair } from 'jose';

/** What a person has let a client do. */
export interface GivenGrant {
  /** A user entity ref. */
  readonly person: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
}

/**
 * Stands in for the authorization server: access tokens say by themselves for whom, for which client
 * and for what they are good, and nobody has to sign in for one.
 */
export async function grantedTokens() {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const kid = 'key-of-the-test';
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' };
  const encoder = new TextEncoder();
  const sign = (typ: string, claims: object) =>
    new CompactSign(encoder.encode(JSON.stringify(claims)))
      .setProtectedHeader({ typ, alg: 'ES256', kid })
      .sign(privateKey);

  async function userToken(person: string): Promise<string> {
    const iat = Math.floor(Date.now() / 1000);
    const exp = iat + 3_600;
    const limited = await sign('vnd.backstage.limited-user', { sub: person, iat, exp });
    return sign('vnd.backstage.user', { sub: person, iat, exp, aud: 'backstage', uip: limited.split('.')[2] });
  }

  const feature: BackendFeature = createBackendPlugin({
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
            const payload = String(request.body.token).split('.')[1] ?? '';
            const { person, clientId, scopes }: GivenGrant = JSON.parse(Buffer.from(payload, 'base64url').toString());
            response.json({
              token: await userToken(person),
              expiresAt: new Date(Date.now() + 600_000).toISOString(),
              clientId,
              clientName: clientId,
              scopes,
            });
          });
          httpRouter.use(router);
          httpRouter.addAuthPolicy({ path: '/.well-known', allow: 'unauthenticated' });
        },
      });
    },
  });
  return { feature, userToken, accessToken: (grant: GivenGrant) => sign('at+jwt', grant) };
}
