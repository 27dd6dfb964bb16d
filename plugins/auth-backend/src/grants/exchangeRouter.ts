import type { HttpAuthService } from '@backstage/backend-plugin-api';
import { InputError, NotAllowedError } from '@backstage/errors';
import express, { type Router } from 'express';
import PromiseRouter from 'express-promise-router';
import * as z from 'zod';
import type { TokenExchange } from './TokenExchange.js';

/** The only plugin that takes access tokens from clients. */
const EXCHANGING_PLUGIN = 'plugin:mcp-actions';
const MAX_BODY = '64kb';

const bodySchema = z.strictObject({ token: z.string().min(1), resource: z.string().min(1) });

/** `POST /v1/mcp-token`: what an access token stands for, told to the MCP plugin alone. */
export function createExchangeRouter(options: { httpAuth: HttpAuthService; exchange: TokenExchange }): Router {
  const { httpAuth, exchange } = options;
  const router = PromiseRouter();
  router.post('/v1/mcp-token', express.json({ limit: MAX_BODY }), async (req, res) => {
    res.setHeader('Cache-Control', 'no-store');
    const { principal } = await httpAuth.credentials(req, { allow: ['service'] });
    if (principal.subject !== EXCHANGING_PLUGIN) {
      throw new NotAllowedError(`Only ${EXCHANGING_PLUGIN} may exchange access tokens, not ${principal.subject}`);
    }
    const body = bodySchema.safeParse(req.body);
    if (!body.success) {
      throw new InputError(`Expected { token, resource }: ${z.prettifyError(body.error)}`);
    }
    try {
      res.json(await exchange.exchange(body.data));
    } catch (error) {
      if ((error as Error).name !== 'AuthenticationError') {
        throw error;
      }
      res.status(401).json({ error: 'invalid_token', error_description: (error as Error).message });
    }
  });
  return router;
}
