import {
  asking,
  callTool,
  capabilities,
  cleanLogMessages,
  completion,
  completionSecurity,
  elicitForm,
  headerMarks,
  noPassthrough,
  notices,
  prompts,
  questions,
  resources,
  rounds,
  schemas,
  secrets,
  secretsCalls,
  secretsDesk,
  secretsRequests,
  servers,
  sessionMessages,
  stateless,
  toolSecurity,
  validUris,
} from '../proofs.js';
import { page, type Requirement, scenario } from '../requirement.js';

const NO_FILES = 'The server serves no files of its own; a plugin that does decides about their paths.';
const WORDED_BY_HANDLERS =
  'The server has no conversations of its own with models: it passes on what the handler of a plugin words.';

const discovered = stateless('server/discover tells versions, capabilities, and for how long that is good');
const sameLists = stateless('lists are the same on every connection, whatever was called before');

/** What servers offer, and what they ask of clients, in revision 2026-07-28. */
export const features: readonly Requirement[] = [
  ...page('2026-07-28', 'server/discover', {
    implemented: { says: '`server/discover` is there.', tests: [scenario('server-stateless'), discovered] },
  }),
  ...page('2026-07-28', 'server/tools', {
    capability: { says: 'A server with tools declares them.', tests: [scenario('server-stateless'), discovered] },
    list: {
      says: 'It lists those that the client may use.',
      tests: [scenario('tools-list'), ...toolSecurity.access],
    },
    'list-per-connection': {
      says: 'The list depends neither on the connection nor on other requests.',
      tests: [sameLists],
    },
    'input-schema': {
      says: 'The input schema of a tool is a JSON Schema of an object, never null.',
      tests: [
        scenario('tools-list'),
        schemas('every schema that is published is valid in the dialect that it names, in %s'),
        servers('describes tools with title, schemas and annotations, sorted by name'),
      ],
    },
    'annotation-not-empty': {
      says: 'A header for an argument has a name.',
      tests: [headerMarks('a tool is published without its marks')],
    },
    'annotation-token': { says: 'It is a token.', tests: [headerMarks('a tool is published without its marks')] },
    'annotation-no-control': {
      says: 'It has no control characters.',
      tests: [headerMarks('a tool is published without its marks')],
    },
    'annotation-unique': {
      says: 'It is there once, whatever the case.',
      tests: [headerMarks('a tool is published without its marks')],
    },
    'annotation-primitive': {
      says: 'It is for texts, integers and booleans.',
      tests: [headerMarks('a tool is published without its marks')],
    },
    'annotation-safe-integer': {
      says: 'Integers are safe ones.',
      notApplicable:
        'Which integers a caller sends is for the input schema; JSON numbers beyond the safe ones are compared as they were read.',
    },
    'annotation-reachable': {
      says: 'It is for properties of objects.',
      tests: [headerMarks('a tool is published without its marks')],
    },
    'output-schema': {
      says: 'Structured results fit the output schema.',
      tests: [
        callTool('answers with the output as text and as structure'),
        schemas('structured results fit the schema that is published, in %s'),
        ...toolSecurity.outputs,
      ],
    },
    'inputs-validated': { says: 'Inputs are checked.', tests: toolSecurity.inputs },
    'access-controlled': { says: 'Who may call what is checked.', tests: toolSecurity.access },
    'rate-limited': { says: 'The number of calls can be limited.', tests: toolSecurity.rates },
    'outputs-sanitized': {
      says: 'Outputs have nothing in them that was not meant for the caller.',
      tests: toolSecurity.outputs,
    },
  }),
  ...page('2026-07-28', 'server/resources', {
    capability: { says: 'A server with resources declares them.', tests: [scenario('server-stateless'), discovered] },
    list: {
      says: 'It lists those that the client may read.',
      tests: [
        scenario('resources-list'),
        resources('is neither listed nor read, nor subscribed to, with the answer of an unknown URI, on record'),
      ],
    },
    'list-per-connection': {
      says: 'The list depends neither on the connection nor on other requests.',
      tests: [sameLists],
    },
    'uri-schemes': {
      says: 'URIs with schemes of their own are URIs of RFC 3986.',
      tests: validUris,
    },
    'not-found': {
      says: 'What does not exist is answered with -32602.',
      tests: [
        scenario('sep-2164-resource-not-found'),
        resources('is told of what is not there by -32602 with the URI'),
      ],
    },
    'not-found-not-empty': {
      says: 'It is not answered with empty contents.',
      tests: [
        scenario('sep-2164-resource-not-found'),
        resources('is told of what is not there by -32602 with the URI'),
      ],
    },
    'uris-validated': {
      says: 'URIs of requests are checked.',
      tests: [resources('is told of what is not there by -32602 with the URI')],
    },
    'binary-encoded': {
      says: 'Bytes are encoded.',
      tests: [
        scenario('resources-read-binary'),
        resources('lists and reads resources, text and bytes, at fixed URIs and by template'),
      ],
    },
    'file-paths': {
      says: 'Paths of files cannot lead elsewhere.',
      notApplicable: NO_FILES,
    },
  }),
  ...page('2026-07-28', 'server/prompts', {
    capability: { says: 'A server with prompts declares them.', tests: [scenario('server-stateless'), discovered] },
    list: {
      says: 'It lists those that the client may get.',
      tests: [
        scenario('prompts-list'),
        prompts('that is unknown and one that the caller may not see answer alike, on record'),
      ],
    },
    'list-per-connection': {
      says: 'The list depends neither on the connection nor on other requests.',
      tests: [sameLists],
    },
    image: {
      says: 'Images are base64 and name their MIME type.',
      tests: [
        scenario('prompts-get-with-image'),
        schemas('bytes that are no base64 and media without a type are a fault of the author: %s'),
      ],
    },
    audio: {
      says: 'So is audio.',
      tests: [schemas('bytes that are no base64 and media without a type are a fault of the author: %s')],
    },
    'embedded-uri': {
      says: 'An embedded resource has a URI.',
      tests: [
        scenario('prompts-get-embedded-resource'),
        schemas('bytes that are no base64 and media without a type are a fault of the author: %s'),
      ],
    },
    'embedded-mime-type': {
      says: 'It has the MIME type that fits.',
      tests: [
        scenario('prompts-get-embedded-resource'),
        prompts('what is embedded without a MIME type has that of its kind'),
      ],
    },
    'embedded-content': {
      says: 'It has a text, or bytes as base64.',
      tests: [
        scenario('prompts-get-embedded-resource'),
        schemas('bytes that are no base64 and media without a type are a fault of the author: %s'),
      ],
    },
    validated: {
      says: 'What goes into a prompt and comes out of it is checked.',
      tests: [
        prompts('is not made of %j, and says what is wrong, on record'),
        prompts('that fails %s says what is meant for the caller, and nothing else'),
        prompts('that is unknown and one that the caller may not see answer alike, on record'),
      ],
    },
  }),
  ...page('2026-07-28', 'server/utilities/caching', {
    hints: {
      says: 'Lists, reads and what the server is say for how long and for whom they are good.',
      tests: [scenario('caching'), stateless('what may be cached says for how long and for whom, alike on all pages')],
    },
    ttl: {
      says: 'The time is not negative.',
      tests: [scenario('caching'), stateless('what may be cached says for how long and for whom, alike on all pages')],
    },
    'scope-private': {
      says: 'What is private is kept for one caller.',
      tests: [stateless('what may be cached says for how long and for whom, alike on all pages')],
    },
    'scope-same-on-pages': {
      says: 'All pages of a list are for the same callers.',
      tests: [stateless('what may be cached says for how long and for whom, alike on all pages')],
    },
    'scope-private-on-pages': {
      says: 'A list whose first page is private is private.',
      tests: [stateless('what may be cached says for how long and for whom, alike on all pages')],
    },
    'scope-public-is-shared': {
      says: 'What is public may be shown to anybody.',
      tests: [stateless('what may be cached says for how long and for whom, alike on all pages')],
    },
    'access-controlled': {
      says: 'Who may use what is checked for each of them.',
      tests: toolSecurity.access,
    },
    'scope-is-no-access-control': {
      says: 'The scope of the cache does not stand in for that.',
      tests: toolSecurity.access,
    },
  }),
  ...page('2026-07-28', 'server/utilities/completion', {
    capability: {
      says: 'A server with completion declares it.',
      tests: [scenario('completion-complete'), discovered],
    },
    'inputs-validated': { says: 'What is to be completed is checked.', tests: completionSecurity.inputs },
    'rate-limited': {
      says: 'The number of completions can be limited.',
      tests: [completion('more completions than a person can ask for are refused, for whoever asks for them')],
    },
    'access-controlled': { says: 'Who may see suggestions is checked.', tests: completionSecurity.access },
    'no-disclosure': {
      says: 'Completion tells nothing that the caller may not see.',
      tests: completionSecurity.disclosure,
    },
  }),
  ...page('2026-07-28', 'server/utilities/logging', {
    capability: { says: 'A server that sends log messages declares it.', tests: [discovered] },
    'not-without-level': {
      says: 'A request without a level gets no log messages.',
      tests: [
        scenario('server-stateless'),
        notices('nobody is told of progress without a token, nor of log messages without a level'),
      ],
    },
    'own-stream': {
      says: 'Log messages come on the stream of their request.',
      tests: [
        notices('after a question, notices go with the request that brought the answer'),
        stateless('a subscription is told what it asked for, and nothing else'),
      ],
    },
    'no-secrets': { says: 'Log messages have no secrets.', tests: cleanLogMessages },
    'no-persons': {
      says: 'Log messages say nothing of persons.',
      tests: [
        sessionMessages(
          'the server itself sends no log messages, so that all there is in them is what a handler has said',
        ),
      ],
    },
    'no-internals': {
      says: 'Log messages say nothing of the inside of the system.',
      tests: [
        sessionMessages(
          'the server itself sends no log messages, so that all there is in them is what a handler has said',
        ),
      ],
    },
  }),
  ...page('2026-07-28', 'server/utilities/pagination', {}),
  ...page('2026-07-28', 'client/elicitation', {
    'no-secrets-in-forms': { says: 'Forms do not ask for secrets.', tests: [secrets.neverInForms] },
    'secrets-by-url': { says: 'Secrets are asked for on a page.', tests: secrets.onPage },
    'mode-supported': {
      says: 'A client is only asked in the modes that it has.',
      tests: [rounds('a client that says %j is told which capability is missing')],
    },
    parameters: {
      says: 'A question has a message, and a mode unless it is a form.',
      tests: [
        scenario('input-required-result-basic-elicitation'),
        stateless('a call that asks ends with its questions, and no request of the server comes before'),
      ],
    },
    'form-parameters': {
      says: 'A form has a schema of what is to be filled in.',
      tests: [
        scenario('input-required-result-basic-elicitation'),
        elicitForm('says which fields are needed, and nothing that forms do not have'),
      ],
    },
    'url-parameters': { says: 'A page has a message and a URL.', tests: [asking('to open a page')] },
    'url-valid': {
      says: 'That URL is valid.',
      tests: [
        asking('to open a page'),
        sessionMessages('a page is only asked for at a valid address of the web, not at %j'),
      ],
    },
    'state-of-user': { says: 'What is kept of a question belongs to one user.', tests: secrets.ofUser },
    'state-protected': { says: 'Nobody else gets at it.', tests: [...secrets.ofUser, ...secrets.stored] },
    'user-from-authorization': {
      says: 'Who the user is comes from their credentials.',
      tests: [secretsDesk('of a person’s own call that person, whatever the configuration says')],
    },
    'no-authorization-by-url': {
      says: 'Pages do not authorize anybody for the server itself.',
      tests: secrets.tokensUseless,
    },
    'third-party-not-through-client': {
      says: 'Credentials for third parties do not pass the client.',
      tests: secrets.notToClient,
    },
    'third-party-no-client-credentials': {
      says: 'The credentials of the client are not used for third parties.',
      tests: noPassthrough,
    },
    'third-party-user-authorizes': {
      says: 'The user authorizes the server themselves, past the client.',
      tests: secrets.onPage,
    },
    'secrets-not-to-client': {
      says: 'What was entered on a page is not sent to the client.',
      tests: secrets.notToClient,
    },
    declined: {
      says: 'A person may decline or cancel, and a client fail to ask.',
      tests: [asking('and learns that the person chose to %s'), asking('that answers with an error is told so')],
    },
    bound: {
      says: 'A question is bound to its client and its user.',
      tests: [...questions.bound, rounds('is good for nothing with %s, and stays good for its call')],
    },
    'url-no-personal-data': {
      says: 'The URL of a page says nothing of the user.',
      tests: [secretsRequests('ids have 192 random bits, and an open request of the same binding is not opened twice')],
    },
    'url-not-preauthenticated': { says: 'It does not let in whoever has it.', tests: secrets.notPreauthenticated },
    'no-claimed-user': { says: 'Who a client says the user is counts for nothing.', tests: secrets.ofUser },
    'no-passwords-in-forms': { says: 'Forms do not ask for passwords or keys.', tests: [secrets.neverInForms] },
    'phishing-identity': {
      says: 'Who opens the page has to be known before anything is taken from them.',
      tests: secrets.identity,
    },
    'phishing-same-user': { says: 'That is who made the call.', tests: secrets.identity },
    'phishing-changed-url': { says: 'Changing the URL does not get around it.', tests: secrets.changedUrl },
  }),
  ...page('2026-07-28', 'client/sampling', {
    'tools-capability': {
      says: 'Requests with tools only go to clients that take them.',
      tests: [capabilities('sampling with tools needs a client that says so')],
    },
    'tool-results-alone': {
      says: 'A message with results of tools has nothing else.',
      notApplicable: WORDED_BY_HANDLERS,
    },
    'tool-results-follow': { says: 'Uses of tools are followed by their results.', notApplicable: WORDED_BY_HANDLERS },
    'message-role': {
      says: 'A message has a role and content.',
      tests: [scenario('input-required-result-basic-sampling')],
    },
    'sensitive-data': {
      says: 'Sensitive data is handled as such.',
      tests: [
        secretsCalls(
          'what a handler throws does not repeat secrets, wherever it ends up, nor keeps the end of the call from the records: %s',
        ),
      ],
    },
    'tool-results-match': { says: 'Each use of a tool has its result.', notApplicable: WORDED_BY_HANDLERS },
  }),
  ...page('2026-07-28', 'client/roots', {}),
];
