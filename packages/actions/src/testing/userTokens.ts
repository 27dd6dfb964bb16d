import { coreServices, createBackendPlugin } from '@backstage/backend-plugin-api';
import { Router } from 'express';
import { CompactSign, exportJWK, generateKeyPair } from 'jose';

/** Stands in for sign-in: an `auth` plugin whose key set verifies the user tokens issued here. */
export async function createUserTokens() {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const kid = 'test-key';
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' };
  const sign = (typ: string, claims: object) =>
    new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
      .setProtectedHeader({ typ, alg: 'ES256', kid })
      .sign(privateKey);

  const feature = createBackendPlugin({
    pluginId: 'auth',
    register(env) {
      env.registerInit({
        deps: { httpRouter: coreServices.httpRouter },
        async init({ httpRouter }) {
          const router = Router();
          router.get('/.well-known/jwks.json', (_, res) => void res.json({ keys: [jwk] }));
          httpRouter.use(router);
          httpRouter.addAuthPolicy({ path: '/.well-known', allow: 'unauthenticated' });
        },
      });
    },
  });

  return {
    feature,
    /** A Backstage user token, from which the limited tokens that plugins pass on can be made. */
    async issue(userEntityRef: string): Promise<string> {
      const iat = Math.floor(Date.now() / 1000);
      const exp = iat + 3_600;
      const limited = await sign('vnd.backstage.limited-user', { sub: userEntityRef, iat, exp });
      const uip = limited.split('.')[2];
      return sign('vnd.backstage.user', { sub: userEntityRef, iat, exp, aud: 'backstage', uip });
    },
  };
}
