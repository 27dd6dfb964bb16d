import type { BackstageCredentials } from '@backstage/backend-plugin-api';
import type { AuthInfo } from '@modelcontextprotocol/server';
import type { Grant } from '../guards/AccessTokens.js';
import type { HttpRequest } from '../HttpRequest.js';

/** What handlers of protocol messages need to know of the HTTP request that carried the message. */
export interface RequestContext {
  readonly credentials: BackstageCredentials;
  /** What the access token is good for; undefined for tokens that are no client's, such as static ones. */
  readonly grant?: Grant;
  /** A profile to which the client narrows itself, by the header `Callboard-Profile`. */
  readonly profile?: string;
  readonly request: HttpRequest;
}

/** What outlives the request. */
export type CallerContext = Omit<RequestContext, 'request'>;

export function toCaller({ credentials, grant, profile }: RequestContext): CallerContext {
  return { credentials, ...(grant && { grant }), ...(profile !== undefined && { profile }) };
}

const KEY = 'callboard';

/** The SDK's transports hand `authInfo` through to handlers, and that is how the context travels. */
export function toAuthInfo(context: RequestContext): AuthInfo {
  return { token: '', clientId: '', scopes: [], extra: { [KEY]: context } };
}

/** @throws Error if a transport was not given the context: no message is served without a principal. */
export function fromAuthInfo(authInfo: AuthInfo | undefined): RequestContext {
  const context = authInfo?.extra?.[KEY];
  if (!context) {
    throw new Error('A message came without the context of its request');
  }
  return context as RequestContext;
}
