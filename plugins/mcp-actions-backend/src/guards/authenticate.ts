import type { BackstageCredentials, HttpAuthService } from '@backstage/backend-plugin-api';
import { toError } from '@backstage/errors';
import type { Request } from 'express';
import { RefusedRequest } from './RefusedRequest.js';

/**
 * Makes the check of who is calling.
 *
 * @param resourceMetadataUrl - where a client learns how to get a token for this resource
 * (RFC 9728 §5.1); undefined while this backend issues none.
 */
export function createAuthentication(options: {
  httpAuth: HttpAuthService;
  allowsAnonymous: boolean;
  resourceMetadataUrl: (req: Request) => Promise<string | undefined>;
}): (req: Request) => Promise<BackstageCredentials> {
  const { httpAuth, allowsAnonymous, resourceMetadataUrl } = options;
  return async req => {
    try {
      return await httpAuth.credentials(req, { allow: allowsAnonymous ? ['user', 'service', 'none'] : ['user', 'service'] });
    } catch (thrown) {
      const error = toError(thrown);
      if (error.name === 'NotAllowedError') {
        throw new RefusedRequest(403, error.message);
      }
      if (error.name !== 'AuthenticationError') {
        throw error;
      }
      const metadataUrl = await resourceMetadataUrl(req);
      const hasToken = req.headers.authorization !== undefined;
      const challenge = [
        'Bearer realm="mcp-actions"',
        ...(hasToken ? ['error="invalid_token"', 'error_description="The token is unknown, expired or malformed"'] : []),
        ...(metadataUrl ? [`resource_metadata="${metadataUrl}"`] : []),
      ].join(', ');
      throw new RefusedRequest(
        401,
        hasToken ? 'The access token is unknown, expired or malformed' : 'Send an access token: Authorization: Bearer <token>',
        { headers: { 'WWW-Authenticate': challenge } },
      );
    }
  };
}
