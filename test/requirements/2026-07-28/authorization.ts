import { APP_SCHEMES, TLS_OUTSIDE } from '../deviations.js';
import {
  audience,
  authorizationErrors,
  authPages,
  codeFlow,
  consentPage,
  documents,
  exactRedirects,
  invalidTokens,
  noPassthrough,
  oauth,
  oauth21,
  oauthSecurity,
  protectedResourceMetadata,
  providerSignIn,
  refreshRotation,
  requestParameters,
  rounds,
  router,
  serverMetadata,
  steps,
  tokenStorage,
  tokens,
  untrustedRedirects,
} from '../proofs.js';
import { page, type Requirement } from '../requirement.js';

const NO_PROXY =
  'No access to a third party is passed on: people sign in elsewhere only to say who they are, and each client needs their consent here.';

/** Authorization in revision 2026-07-28: of the server that is protected, and of the one that issues tokens. */
export const authorization: readonly Requirement[] = [
  ...page('2026-07-28', 'basic/authorization/index', {
    'alternative-transports': {
      says: 'Other transports follow the security practices of their protocol.',
      notApplicable: 'This revision is served over Streamable HTTP only; the bridge to stdio sends a token there.',
    },
    'oauth-2-1': {
      says: 'The authorization server is one of OAuth 2.1, for confidential and public clients.',
      tests: oauth21,
    },
    'protected-resource-metadata': {
      says: 'The MCP server has protected resource metadata (RFC 9728).',
      tests: protectedResourceMetadata,
    },
    'authorization-server-metadata': {
      says: 'The authorization server can be discovered by RFC 8414 or OpenID Connect.',
      tests: serverMetadata,
    },
    discovery: {
      says: 'The rules of the page on discovery are followed.',
      tests: [...protectedResourceMetadata, ...serverMetadata],
    },
    'iss-advertised': {
      says: 'A server that names itself in answers says so in its metadata.',
      tests: [
        codeFlow('%s describes the server'),
        codeFlow('the resource %j is refused with invalid_target'),
        oauth('(%s) registers, sends the person to sign in and approve, and calls actions'),
      ],
    },
    'tokens-oauth-2-1': {
      says: 'Tokens are taken as OAuth 2.1 says for requests to resources.',
      tests: [
        router('answers 401 with a challenge and a JSON-RPC error to a request without a token'),
        tokens('a token in the address is none'),
      ],
    },
    'token-every-request': { says: 'Every request needs a token.', tests: [router('asks for a token at %s %s')] },
    'token-not-in-query': {
      says: 'A token is not taken from the address.',
      tests: [tokens('a token in the address is none')],
    },
    'token-validated': { says: 'Tokens are checked as OAuth 2.1 says.', tests: invalidTokens },
    'token-audience': { says: 'A token is only good for the server that it was issued for.', tests: audience },
    'token-failure': {
      says: 'A token that is no good is answered as OAuth 2.1 says.',
      tests: [router('answers 401 invalid_token to %s'), ...authorizationErrors],
    },
    'token-invalid-401': { says: 'A token that is invalid or over is answered with 401.', tests: invalidTokens },
    'token-own-resources': { says: 'Only tokens for own resources are taken.', tests: audience },
    'token-no-others': {
      says: 'Other tokens are neither taken nor passed on.',
      tests: [...audience, ...noPassthrough],
    },
    'error-statuses': { says: 'What goes wrong is answered with 401, 403 or 400.', tests: authorizationErrors },
    'scope-hierarchy': {
      says: 'A broader scope includes the narrower ones.',
      tests: [
        requestParameters('broader scopes include narrower ones, and a person can only narrow'),
        steps('%j, for %j: %s'),
      ],
    },
    'security-considerations': { says: 'The rules of the page on security are followed.', tests: oauthSecurity },
  }),
  ...page('2026-07-28', 'basic/authorization/authorization-server-discovery', {
    'metadata-locates': {
      says: 'The metadata of the MCP server says where its authorization servers are.',
      tests: protectedResourceMetadata,
    },
    'metadata-authorization-servers': {
      says: 'It names at least one authorization server.',
      tests: protectedResourceMetadata,
    },
    'metadata-discovery': {
      says: 'It is found by the challenge of a 401 or at a well-known address.',
      tests: protectedResourceMetadata,
    },
    'issuer-identical': {
      says: 'The issuer in the metadata is the one that it was asked for by.',
      tests: serverMetadata,
    },
  }),
  ...page('2026-07-28', 'basic/authorization/client-registration', {
    'client-document-draft': { says: 'Client documents are used as their draft says.', tests: documents.draft },
    'client-document-id': {
      says: 'The client id in a document is the address of that document.',
      tests: documents.id,
    },
    'client-document-redirects': {
      says: 'The redirect URI of a request is one of the document.',
      tests: documents.redirects,
    },
    'client-document-structure': {
      says: 'A document is JSON, and has the fields that it needs.',
      tests: documents.structure,
    },
  }),
  ...page('2026-07-28', 'basic/authorization/security-considerations', {
    considered: { says: 'The rules of the page are followed.', tests: oauthSecurity },
    'oauth-security': { says: 'The security considerations of OAuth 2.1 are followed.', tests: oauthSecurity },
    'audience-validated': { says: 'The MCP server checks that a token is for it.', tests: audience },
    'token-storage': { says: 'Tokens are kept so that a copy of the store is of no use.', tests: tokenStorage },
    'refresh-rotation': { says: 'Refresh tokens of public clients change with every use.', tests: refreshRotation },
    'communication-security': {
      says: 'Communication is secured as OAuth 2.1 says.',
      tests: [authPages('gives the browser a new cookie that scripts and other sites do not get')],
      deviation: TLS_OUTSIDE,
    },
    'https-endpoints': {
      says: 'Endpoints of the authorization server are served over https.',
      deviation: TLS_OUTSIDE,
    },
    'https-redirects': {
      says: 'Redirect URIs are on localhost or https.',
      tests: exactRedirects,
      deviation: APP_SCHEMES,
    },
    'pkce-metadata': {
      says: 'OpenID metadata says which challenge methods of PKCE there are.',
      tests: [codeFlow('%s describes the server')],
    },
    'exact-redirect': { says: 'Redirect URIs are exactly those that were registered.', tests: exactRedirects },
    'untrusted-redirect': { says: 'Nobody is sent to an address that cannot be trusted.', tests: untrustedRedirects },
    'client-document-security': { says: 'Fetching client documents is guarded.', tests: documents.security },
    'redirect-host-shown': { says: 'Who approves sees the host that access goes to.', tests: [consentPage.shows] },
    'confused-deputy': {
      says: 'A proxy with one client id asks for consent for each client before it forwards anybody.',
      notApplicable: NO_PROXY,
    },
    'token-validated-first': {
      says: 'A token is checked before the request is looked at, and who has none learns nothing.',
      tests: [router('asks for a token at %s %s'), ...audience],
    },
    'token-validated-inbound': { says: 'OAuth 2.1 is followed in checking tokens.', tests: invalidTokens },
    'audience-only': { says: 'Only tokens for this server are taken.', tests: audience },
    'audience-rejected': { says: 'Tokens that do not name this server are refused.', tests: audience },
    'no-passthrough': { says: 'The token of the client goes nowhere else.', tests: noPassthrough },
  }),
  ...page('2026-07-28', 'basic/security_best_practices', {
    'proxy-consent': { says: 'A proxy asks for consent for each client.', tests: [consentPage.everyTime] },
    'consent-registry': {
      says: 'A proxy remembers for which clients each person has consented.',
      notApplicable: 'Consent is asked for each time, so that there is nothing to remember.',
    },
    'consent-page-client': { says: 'The page of consent names the client.', tests: [consentPage.shows] },
    'consent-page-scopes': { says: 'It says what the client may do.', tests: [consentPage.shows] },
    'consent-page-redirect': { says: 'It says where access goes.', tests: [consentPage.shows] },
    'consent-page-csrf': { says: 'Its form cannot be sent from elsewhere.', tests: [consentPage.forgery] },
    'consent-page-framing': { says: 'It cannot be framed.', tests: [consentPage.framing] },
    'consent-cookie': {
      says: 'Cookies that remember consent are bound to their host, browser and client.',
      notApplicable: 'No cookie remembers consent; it is asked for each time.',
    },
    'redirect-exact': { says: 'The redirect URI is exactly the registered one.', tests: exactRedirects },
    'redirect-changed': {
      says: 'A redirect URI that has changed without registration is refused.',
      tests: [codeFlow('%s ends at a page of the server, never elsewhere')],
    },
    'redirect-no-patterns': { says: 'Redirect URIs are compared as texts, not with patterns.', tests: exactRedirects },
    'state-random': {
      says: 'Requests to other authorization servers have a random state of their own.',
      tests: [providerSignIn('takes an answer once, and only in the browser that began')],
    },
    'state-bound': {
      says: 'The state is kept on the server or in a protected cookie, and checked when the answer comes.',
      tests: [
        providerSignIn('takes an answer once, and only in the browser that began'),
        providerSignIn("does not sign a victim in with an attacker's answer"),
      ],
    },
    'state-after-consent': { says: 'The state is not set before consent.', notApplicable: NO_PROXY },
    'no-foreign-tokens': { says: 'Tokens that were not issued for the MCP server are refused.', tests: audience },
    'every-request-verified': {
      says: 'Every request is checked for who makes it.',
      tests: [router('asks for a token at %s %s')],
    },
    'handle-no-authentication': {
      says: 'Who has the handle of some state is not thereby who it belongs to.',
      tests: [rounds('is good for nothing with %s, and stays good for its call')],
    },
  }),
];
