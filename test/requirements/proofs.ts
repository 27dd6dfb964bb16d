import { titlesOf } from './requirement.js';

// Tests that prove things in both revisions, by the part of the product that they are about.

const mcp = 'plugins/mcp-actions-backend/src';
const auth = 'plugins/auth-backend/src';

export const messages = titlesOf('test/requirements/messages.test.ts');
export const sessionMessages = titlesOf('test/requirements/sessions.test.ts');
export const stateless = titlesOf('test/requirements/stateless.test.ts');
export const streams = titlesOf('test/requirements/streams.test.ts');
export const schemas = titlesOf('test/requirements/schemas.test.ts');
export const tokens = titlesOf('test/requirements/tokens.test.ts');

export const router = titlesOf(`${mcp}/router.test.ts`);
export const source = titlesOf(`${mcp}/guards/checkSource.test.ts`);
export const sessions = titlesOf(`${mcp}/transports/sessions.test.ts`);
export const sse = titlesOf(`${mcp}/transports/sse.test.ts`);
export const oauthMetadata = titlesOf(`${mcp}/OAuthMetadata.test.ts`);
export const callTool = titlesOf(`${mcp}/protocol/callTool.test.ts`);
export const answerCall = titlesOf(`${mcp}/protocol/answerCall.test.ts`);
export const asking = titlesOf(`${mcp}/protocol/client/asking.test.ts`);
export const cancellation = titlesOf(`${mcp}/protocol/client/cancellation.test.ts`);
export const notices = titlesOf(`${mcp}/protocol/client/notices.test.ts`);
export const rounds = titlesOf(`${mcp}/protocol/client/rounds.test.ts`);
export const suspendedCalls = titlesOf(`${mcp}/protocol/client/SuspendedCalls.test.ts`);
export const capabilities = titlesOf('test/requirements/capabilities.test.ts');
export const servers = titlesOf(`${mcp}/tools/servers.test.ts`);
export const resources = titlesOf(`${mcp}/resources/resources.test.ts`);
export const prompts = titlesOf(`${mcp}/prompts/prompts.test.ts`);
export const completion = titlesOf(`${mcp}/completion/completion.test.ts`);

export const resuming = titlesOf(`${mcp}/transports/resuming.test.ts`);
export const secretsCalls = titlesOf(`${mcp}/secrets/secrets.test.ts`);
export const secretsPages = titlesOf(`${mcp}/secrets/pages.test.ts`);

export const headerMarks = titlesOf(`${mcp}/tools/headerParameters.test.ts`);
export const paramHeaderCheck = titlesOf(`${mcp}/guards/checkParamHeaders.test.ts`);
export const notifications = titlesOf(`${mcp}/notifications/notifications.test.ts`);

export const clients = titlesOf('test/clients.test.ts');
export const oauth = titlesOf('test/oauth.test.ts');
export const docs = titlesOf('test/docs.test.ts');
export const gateAttacks = titlesOf('test/gate/attacks.test.ts');
export const pauseAndLimits = titlesOf('test/gate/pauseAndLimits.test.ts');
export const listedIsCallable = titlesOf('test/gate/listedIsCallable.test.ts');
export const authorizationSuite = titlesOf('test/conformance/authorization.test.ts');
export const bridge = titlesOf('packages/cli/src/bridge/bridge.test.ts');
export const upstream = titlesOf('packages/cli/src/bridge/upstream.test.ts');
export const elicitForm = titlesOf('packages/actions/src/client/elicitForm.test.ts');
export const secretsDesk = titlesOf('packages/actions/src/secrets/SecretsDesk.test.ts');
export const secretsRequests = titlesOf('packages/actions/src/secrets/SecretsRequests.test.ts');
export const offerRegistries = titlesOf('packages/actions/src/offers/offerRegistries.test.ts');
export const uriTemplates = titlesOf('packages/actions/src/offers/UriTemplate.test.ts');
export const steps = titlesOf('packages/actions/src/invocation/steps.test.ts');
export const callLimits = titlesOf('plugins/safety-backend/src/limits/CallLimits.test.ts');

export const codeFlow = titlesOf(`${auth}/codeFlow.test.ts`);
export const authPlugin = titlesOf(`${auth}/plugin.test.ts`);
export const lifetimes = titlesOf(`${auth}/lifetimes.test.ts`);
export const registration = titlesOf(`${auth}/registration.test.ts`);
export const clientDocuments = titlesOf(`${auth}/clientDocuments.test.ts`);
export const fetchDocument = titlesOf(`${auth}/registration/fetchDocument.test.ts`);
export const redirectPatterns = titlesOf(`${auth}/redirects/redirectPatterns.test.ts`);
export const redirectTarget = titlesOf(`${auth}/pages/redirectTarget.test.ts`);
export const authPages = titlesOf(`${auth}/pages/pages.test.ts`);
export const providerSignIn = titlesOf(`${auth}/signIn/providers/ProviderSignIn.test.ts`);
export const knexAdapter = titlesOf(`${auth}/engine/KnexAdapter.test.ts`);
export const keyRing = titlesOf(`${auth}/engine/KeyRing.test.ts`);
export const requestParameters = titlesOf(`${auth}/engine/requestParameters.test.ts`);
export const queriesInLogs = titlesOf(`${auth}/keepQueriesOutOfLogs.test.ts`);

/** A token stands for one MCP server, and for nothing else. */
export const audience = [
  oauth('has a token that is good for one MCP server, and for nothing else'),
  codeFlow('the audience is canonical, and each server has its own'),
  codeFlow('the exchange refuses what is not an access token for that very server'),
];

/** What is no valid token is answered with 401. */
export const invalidTokens = [
  router('answers 401 invalid_token to %s'),
  codeFlow('the exchange refuses what is not an access token for that very server'),
  lifetimes('tokens expire'),
];

/** What passes a token on is not given the one of the client. */
export const noPassthrough = [
  codeFlow('the MCP plugin exchanges it for a token that the stock services take, also between plugins'),
  codeFlow('no other plugin takes the access token, and no other plugin may exchange it'),
];

export const authorizationErrors = [
  router('answers 401 with a challenge and a JSON-RPC error to a request without a token'),
  oauth('may do what the person has granted, and is told in HTTP what it would need beyond'),
  codeFlow('a request %s is refused'),
];

export const protectedResourceMetadata = [
  oauthMetadata('tells with %j where to get a token for each server, and the 401 says where that stands'),
  oauthMetadata('names only the identity providers where this backend issues no tokens itself'),
];

export const serverMetadata = [
  codeFlow('%s describes the server'),
  authorizationSuite('passes every check of %s for a client that names %s'),
];

export const oauth21 = [
  authorizationSuite('passes every check of %s for a client that names %s'),
  codeFlow('an independent client library discovers, registers, signs in, refreshes and revokes'),
  authPlugin('a configured client authenticates with its secret, and registration stays off'),
  authPlugin('also for a client with a secret, PKCE is required'),
];

export const oauthSecurity = [
  codeFlow('a code that is redeemed again revokes what it gave'),
  codeFlow('of 50 parallel redemptions one succeeds, and what it got is revoked'),
  codeFlow('a code that is misused is worth nothing afterwards, either'),
  authPlugin('also for a client with a secret, PKCE is required'),
  authPages('has a policy that lets in nothing but its own style, and is neither framed nor kept'),
];

export const tokenStorage = [
  lifetimes('a restart keeps clients, sign-ins and tokens, and the database holds none of them in clear'),
  knexAdapter('a dump of the database holds no id, wherever the payload repeats it'),
  keyRing('the database holds public halves only'),
  queriesInLogs('the host logs addresses without codes, and handlers see them whole'),
];

export const refreshRotation = [
  lifetimes('without a grace, a refresh token that is used again ends the whole family'),
  lifetimes('with a grace, reuse after it ends the whole family'),
];

export const exactRedirects = [
  codeFlow('%s ends at a page of the server, never elsewhere'),
  codeFlow('a loopback client may listen on any port'),
  clientDocuments('a redirect URI that the document lists but the server does not allow is refused'),
];

export const untrustedRedirects = [
  codeFlow('%s ends at a page of the server, never elsewhere'),
  redirectTarget('no browser is sent to %j'),
  authPages('is not shown for an address that no browser may be sent to'),
];

/** What an authorization server checks of a client's document. */
export const documents = {
  id: [clientDocuments('a document with %s is refused on a page of the server')],
  redirects: [
    clientDocuments('a document with %s is refused on a page of the server'),
    clientDocuments('a redirect URI that the document lists but the server does not allow is refused'),
  ],
  structure: [clientDocuments('a document with %s is refused on a page of the server')],
  draft: [
    clientDocuments('a client that is known by its document signs in; the document is fetched once'),
    clientDocuments('a document %s is not fetched'),
    oauth('(%s) is known by the document at its own address'),
  ],
  security: [
    fetchDocument('%s is never connected to'),
    fetchDocument('a name that answers otherwise the second time gains nothing'),
    fetchDocument('a document that never ends is given up'),
    fetchDocument('only so many are fetched in a minute'),
  ],
};

export const consentPage = {
  shows: authPages('shows where access goes, to what, for whom, and that the name is a claim'),
  everyTime: codeFlow('consent is asked for each time, and prompt=none does not get around it'),
  forgery: authPages('are refused without the token, or with that of another page, request or browser'),
  framing: authPages('has a policy that lets in nothing but its own style, and is neither framed nor kept'),
};

/** Inputs, access, rates and outputs of tools. */
export const toolSecurity = {
  inputs: [
    callTool('says which argument is wrong and what was expected'),
    steps('refuse wrong %s, and the handler does not run'),
  ],
  access: [
    listedIsCallable('over HTTP, in process and at MCP servers of both eras (${RUNS} sets of rules)'),
    servers('show a token that is restricted to some plugins the actions of just those'),
    servers('hide what a profile lacks as if it did not exist'),
  ],
  rates: [
    callLimits('a rate lets so many calls through at once, and names the limit and when to try again'),
    pauseAndLimits('of calls in a day counts the call that runs, not the one that asks'),
  ],
  outputs: [
    callTool('answers with the output as text and as structure'),
    steps('of output that fail are an error of no class that callers are blamed with'),
  ],
};

/** No secrets, persons or internals in log messages. */
export const cleanLogMessages = [notices('secrets are taken out, and long texts are cut')];

export const completionSecurity = {
  inputs: [completion('for %s'), completion('of an author whose function is broken is an error with a request id')],
  access: [completion('for what the caller may not see, with the answer of what is unknown')],
  disclosure: [
    completion('for what the caller may not see, with the answer of what is unknown'),
    completion('for what the server does not publish'),
  ],
};

/** How people enter secrets: on a page of the server, for one call of theirs. */
export const secrets = {
  neverInForms: secretsCalls('takes forms only, and is not sent anywhere'),
  onPage: [
    secretsCalls('goes on with the call as soon as the person has entered the secrets'),
    secretsPages('enters them, is told so, and the call runs once'),
  ],
  completion: [secretsCalls('in the 2025 era the client is told when the person is done, by the id of the question')],
  ofUser: [
    secretsPages('is told that it is not theirs, and nothing more; that is on record'),
    secretsDesk('of a person’s own call that person, whatever the configuration says'),
    secretsDesk('cannot close the request of another call'),
  ],
  identity: [
    secretsPages('is sent to sign in, whatever the address, and is back afterwards'),
    secretsPages('is told that it is not theirs, and nothing more; that is on record'),
    secretsPages('cannot have the owner’s browser enter what they planted'),
  ],
  changedUrl: [
    secretsPages('what is used, what is over and what never was look alike'),
    secretsPages('is told that it is not theirs, and nothing more; that is on record'),
  ],
  notPreauthenticated: [secretsPages('is sent to sign in, whatever the address, and is back afterwards')],
  tokensUseless: [secretsPages('a token is of no use on the pages')],
  stored: [
    secretsPages('the secrets that went through these tests are in no line of the log, and in no record'),
    secretsCalls('secrets are not kept longer than configuration says'),
  ],
  notToClient: [
    secretsCalls(
      'what a handler throws does not repeat secrets, wherever it ends up, nor keeps the end of the call from the records: %s',
    ),
    secretsPages('enters them, is told so, and the call runs once'),
  ],
};

export const questions = {
  bound: [
    gateAttacks('an answer with another id, on another session or from somebody else answers nothing'),
    gateAttacks('somebody else cannot speak on it'),
  ],
  modes: [
    answerCall('takes links only, and is not asked for forms'),
    asking('that cannot be asked what %s asks is told what it lacks'),
  ],
};

/** What is registered at a URI that is none is not published. */
export const validUris = [
  offerRegistries('because of %s is refused with a line in the log, and costs no other'),
  uriTemplates('%s is one'),
];

/** Arguments that a tool wants in headers. */
export const paramHeaders = [
  stateless('an argument that its tool wants in a header is there and says the same'),
  paramHeaderCheck('a call runs whose headers repeat the value %s'),
  paramHeaderCheck('a call is refused with 400 and -32020 whose header %s'),
];
