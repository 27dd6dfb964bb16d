import {
  callTool,
  capabilities,
  cleanLogMessages,
  completion,
  completionSecurity,
  elicitForm,
  noPassthrough,
  prompts,
  questions,
  resources,
  schemas,
  secrets,
  secretsCalls,
  secretsDesk,
  secretsRequests,
  servers,
  sessionMessages,
  toolSecurity,
  validUris,
} from '../proofs.js';
import { page, type Requirement, scenario } from '../requirement.js';

const NO_URL_ERROR = 'A request is never answered with -32042: the page is asked for while the call waits.';
const WORDED_BY_HANDLERS =
  'The server has no conversations of its own with models: it passes on what the handler of a plugin words.';

/** What servers offer, and what they ask of clients, in revision 2025-11-25. */
export const features: readonly Requirement[] = [
  ...page('2025-11-25', 'server/tools', {
    capability: {
      says: 'A server with tools declares them.',
      tests: [sessionMessages('initialize is answered with version, capabilities, and name of the server')],
    },
    'input-schema': {
      says: 'The input schema of a tool is a JSON Schema of an object, never null.',
      tests: [
        scenario('tools-list'),
        schemas('every schema that is published is valid in the dialect that it names, in %s'),
        servers('describes tools with title, schemas and annotations, sorted by name'),
      ],
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
  ...page('2025-11-25', 'server/resources', {
    capability: {
      says: 'A server with resources declares them.',
      tests: [
        sessionMessages('initialize is answered with version, capabilities, and name of the server'),
        resources(
          'a server without resources and prompts has no capabilities for them, and does not know their methods',
        ),
      ],
    },
    'uri-schemes': {
      says: 'URIs with schemes of their own are URIs of RFC 3986.',
      tests: validUris,
    },
    'uris-validated': {
      says: 'URIs of requests are checked.',
      tests: [
        resources('is told of what is not there by -32602 with the URI'),
        resources('that fails with %s says so, in both eras, and on record'),
      ],
    },
    'binary-encoded': {
      says: 'Bytes are encoded.',
      tests: [
        scenario('resources-read-binary'),
        resources('lists and reads resources, text and bytes, at fixed URIs and by template'),
      ],
    },
  }),
  ...page('2025-11-25', 'server/prompts', {
    capability: {
      says: 'A server with prompts declares them.',
      tests: [
        sessionMessages('initialize is answered with version, capabilities, and name of the server'),
        resources(
          'a server without resources and prompts has no capabilities for them, and does not know their methods',
        ),
      ],
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
  ...page('2025-11-25', 'server/utilities/completion', {
    capability: {
      says: 'A server with completion declares it.',
      tests: [
        scenario('completion-complete'),
        sessionMessages('initialize is answered with version, capabilities, and name of the server'),
      ],
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
  ...page('2025-11-25', 'server/utilities/logging', {
    capability: {
      says: 'A server that sends log messages declares it.',
      tests: [
        scenario('logging-set-level'),
        sessionMessages('initialize is answered with version, capabilities, and name of the server'),
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
  ...page('2025-11-25', 'server/utilities/pagination', {}),
  ...page('2025-11-25', 'client/elicitation', {
    'no-secrets-in-forms': { says: 'Forms do not ask for secrets.', tests: [secrets.neverInForms] },
    'secrets-by-url': { says: 'Secrets are asked for on a page.', tests: secrets.onPage },
    'mode-supported': { says: 'A client is only asked in the modes that it has.', tests: questions.modes },
    parameters: {
      says: 'A question has a message, and a mode unless it is a form.',
      tests: [scenario('tools-call-elicitation'), sessionMessages('a question has what its mode needs')],
    },
    'form-parameters': {
      says: 'A form has a schema of what is to be filled in.',
      tests: [
        scenario('elicitation-sep1034-defaults'),
        elicitForm('says which fields are needed, and nothing that forms do not have'),
        sessionMessages('a question has what its mode needs'),
      ],
    },
    'url-parameters': {
      says: 'A page has a URL and an id.',
      tests: [sessionMessages('a question has what its mode needs')],
    },
    'url-valid': {
      says: 'That URL is valid.',
      tests: [
        sessionMessages('a question has what its mode needs'),
        sessionMessages('a page is only asked for at a valid address of the web, not at %j'),
      ],
    },
    'complete-to-initiator': {
      says: 'Only the client that was asked is told that a page is done.',
      tests: secrets.completion,
    },
    'complete-id': { says: 'It is told with the id of the question.', tests: secrets.completion },
    'url-error-only-if-required': {
      says: 'The error -32042 is only for pages that are required.',
      notApplicable: NO_URL_ERROR,
    },
    'url-error-elicitations': { says: 'It lists these pages.', notApplicable: NO_URL_ERROR },
    'url-error-mode': { says: 'They have mode and id.', notApplicable: NO_URL_ERROR },
    'state-of-user': { says: 'What is kept of a question belongs to one user.', tests: secrets.ofUser },
    'state-not-of-session': { says: 'It does not belong to a session alone.', tests: secrets.ofUser },
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
    errors: {
      says: 'A request that needs a page first is answered with -32042.',
      notApplicable: NO_URL_ERROR,
    },
    bound: { says: 'A question is bound to its client and its user.', tests: questions.bound },
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
  ...page('2025-11-25', 'client/sampling', {
    'tools-capability': {
      says: 'Requests with tools only go to clients that take them.',
      tests: [capabilities('sampling with tools needs a client that says so')],
    },
    'tool-results-alone': {
      says: 'A message with results of tools has nothing else.',
      notApplicable: WORDED_BY_HANDLERS,
    },
    'tool-results-follow': { says: 'Uses of tools are followed by their results.', notApplicable: WORDED_BY_HANDLERS },
    'tool-results-match': { says: 'Each use of a tool has its result.', notApplicable: WORDED_BY_HANDLERS },
    'sensitive-data': {
      says: 'Sensitive data is handled as such.',
      tests: [
        secretsCalls(
          'what a handler throws does not repeat secrets, wherever it ends up, nor keeps the end of the call from the records: %s',
        ),
      ],
    },
  }),
  ...page('2025-11-25', 'client/roots', {}),
];
