import type { HttpAuthService } from '@backstage/backend-plugin-api';
import type { Router } from 'express';
import PromiseRouter from 'express-promise-router';

/** `GET /v1/userinfo`: whom a token stands for, as the stock services ask about limited tokens. */
export function createUserInfoRouter(options: { httpAuth: HttpAuthService }): Router {
  const router = PromiseRouter();
  router.get('/v1/userinfo', async (req, res) => {
    const { principal } = await options.httpAuth.credentials(req, { allow: ['user'], allowLimitedAccess: true });
    const { userEntityRef } = principal;
    res.set('Cache-Control', 'no-store').json({ claims: { sub: userEntityRef, ent: [userEntityRef] } });
  });
  return router;
}
