import type { BackstageCredentials, HttpAuthService } from '@backstage/backend-plugin-api';
import { toError } from '@backstage/errors';
import { asExpressRequest, type HttpRequest } from '../HttpRequest.js';
import { type Access, AccessTokens, type Grant } from './AccessTokens.js';
import { RefusedRequest } from './RefusedRequest.js';

/** Who is calling, and what they may do at most. */
export interface Caller {
  credentials: BackstageCredentials;
  grant?: Grant;
}

/** What a 401 tells a client of how to get a token (RFC 9728 §5.1, RFC 6750 §3). */
export interface Challenge {
  resourceMetadataUrl: string;
  scope: string;
}

/**
 * Makes the check of who is calling: an access token of an MCP client, or any credentials that
 * Backstage knows, such as static tokens.
 *
 * @param options.resource - the external URL of the MCP server that a request is for.
 * @param options.challenge - undefined while this backend issues no tokens to clients.
 */
export function createAuthentication(options: {
  httpAuth: HttpAuthService;
  accessTokens: Pick<AccessTokens, 'exchange'>;
  allowsAnonymous: boolean;
  /** Whether there are access tokens of MCP clients at all. */
  takesAccessTokens: boolean;
  resource: (server: string | undefined) => Promise<string>;
  challenge: (server: string | undefined) => Promise<Challenge | undefined>;
}): (req: HttpRequest, server: string | undefined) => Promise<Caller> {
  const { httpAuth, accessTokens, allowsAnonymous, takesAccessTokens, resource, challenge } = options;

  const identify = async (req: HttpRequest, server: string | undefined): Promise<Caller | Access> => {
    const [, token] = /^Bearer +(\S+)$/i.exec(req.headers.authorization ?? '') ?? [];
    const kind = token && takesAccessTokens ? AccessTokens.kindOf(token) : 'no';
    if (token && kind !== 'no') {
      try {
        const access = await accessTokens.exchange(token, await resource(server));
        // From here on the request is the person's: the auditor and tracing look for the principal in it.
        req.headers.authorization = `Bearer ${access.userToken}`;
        return access;
      } catch (error) {
        if (kind === 'yes' || toError(error).name !== 'AuthenticationError') {
          throw error;
        }
        // Perhaps a token of `backend.auth.externalAccess`.
      }
    }
    return {
      credentials: await httpAuth.credentials(asExpressRequest(req), {
        allow: allowsAnonymous ? ['user', 'service', 'none'] : ['user', 'service'],
      }),
    };
  };

  return async (req, server) => {
    try {
      const { credentials, grant } = (await identify(req, server)) as Caller;
      return { credentials, ...(grant && { grant }) };
    } catch (thrown) {
      const error = toError(thrown);
      switch (error.name) {
        case 'AuthenticationError':
          throw unauthorized(req.headers.authorization !== undefined, await challenge(server));
        case 'NotAllowedError':
          throw new RefusedRequest(403, error.message);
        case 'ServiceUnavailableError':
          throw new RefusedRequest(503, error.message, { headers: { 'Retry-After': '5' } });
        default:
          throw error;
      }
    }
  };
}

function unauthorized(hasToken: boolean, challenge: Challenge | undefined): RefusedRequest {
  const parameters = [
    'realm="mcp-actions"',
    ...(hasToken ? ['error="invalid_token"', 'error_description="The token is unknown, expired or malformed"'] : []),
    ...(challenge ? [`resource_metadata="${challenge.resourceMetadataUrl}"`, `scope="${challenge.scope}"`] : []),
  ];
  return new RefusedRequest(
    401,
    hasToken
      ? 'The access token is unknown, expired or malformed'
      : 'Send an access token: Authorization: Bearer <token>',
    { headers: { 'WWW-Authenticate': `Bearer ${parameters.join(', ')}` } },
  );
}
