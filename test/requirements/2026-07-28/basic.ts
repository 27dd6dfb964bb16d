import { UNNAMED_DIALECT } from '../deviations.js';
import {
  cancellation,
  clients,
  gateAttacks,
  messages,
  notices,
  notifications,
  rounds,
  router,
  schemas,
  stateless,
  suspendedCalls,
} from '../proofs.js';
import { page, type Requirement, scenario } from '../requirement.js';

/** Messages, versions and patterns of revision 2026-07-28. */
export const basic: readonly Requirement[] = [
  ...page('2026-07-28', 'basic/index', {
    'base-protocol': {
      says: 'The base protocol, versions and patterns are there, whatever else is not.',
      tests: [scenario('server-stateless'), clients('connects, in the era that it asks for')],
    },
    'json-rpc': {
      says: 'All messages are JSON-RPC 2.0.',
      tests: [
        router('answers -32600 to %j, which is no JSON-RPC message'),
        messages('an answer has a result or an error, and an error has an integer as code and a message'),
      ],
    },
    'result-id': {
      says: 'A result has the id of its request.',
      tests: [
        messages('a request is answered under its own id, be it a number or a text'),
        router('gives each of many callers with the same message id its own answer'),
      ],
    },
    'result-field': {
      says: 'A result is in the field `result`.',
      tests: [messages('an answer has a result or an error, and an error has an integer as code and a message')],
    },
    'result-type': {
      says: 'A result says of which type it is.',
      tests: [
        scenario('input-required-result-result-type'),
        stateless('every result says of which type it is, complete or input_required'),
      ],
    },
    'result-type-known': {
      says: 'Types are those of the protocol, and of extensions that are declared.',
      tests: [stateless('every result says of which type it is, complete or input_required')],
    },
    'error-id': {
      says: 'An error has the id of its request, if that could be read.',
      tests: [
        messages('a request is answered under its own id, be it a number or a text'),
        messages('a refusal has the id of its request, where that could be read'),
      ],
    },
    'error-fields': {
      says: 'An error has a code and a message.',
      tests: [messages('an answer has a result or an error, and an error has an integer as code and a message')],
    },
    'error-code-integer': {
      says: 'Codes of errors are integers.',
      tests: [messages('an answer has a result or an error, and an error has an integer as code and a message')],
    },
    'error-code-legacy': {
      says: 'No new codes are taken from -32000 to -32019.',
      tests: [stateless('codes of errors are those of JSON-RPC and of the revision, or outside of their ranges')],
    },
    'error-code-legacy-meaning': {
      says: 'Codes from -32000 to -32019 mean nothing certain to who receives them.',
      tests: [stateless('a client that answers is not heard, whatever code it has: %d')],
    },
    'error-code-reserved': {
      says: 'From -32020 to -32099, only codes of the specification are used.',
      tests: [stateless('codes of errors are those of JSON-RPC and of the revision, or outside of their ranges')],
    },
    'error-code-meaning': {
      says: 'They are used for what the specification says.',
      tests: [
        router('answers -32020 when headers name %s than the body'),
        router('names the supported versions to a client of a version that does not exist'),
        stateless('a client that lacks what a request needs is told so with 400, -32021 and the capabilities'),
      ],
    },
    'error-code-withdrawn': {
      says: 'The codes -32002 and -32042 are not used.',
      tests: [
        scenario('sep-2164-resource-not-found'),
        stateless('codes of errors are those of JSON-RPC and of the revision, or outside of their ranges'),
      ],
    },
    'notification-unanswered': {
      says: 'A notification is not answered.',
      tests: [messages('a notification is answered with nothing: %s')],
    },
    'notification-no-id': {
      says: 'Notifications of the server have no id.',
      tests: [messages('notifications of the server have no id')],
    },
    stateless: {
      says: 'Nothing is taken from earlier requests of the same connection.',
      tests: [
        scenario('server-stateless'),
        stateless('what one request says of its client does not hold for the next of the same connection'),
      ],
    },
    'state-by-identifier': {
      says: 'State over several requests is named by an identifier in each of them.',
      tests: [
        rounds(
          'a question ends the request with the questions and signed state, and the next request brings the result',
        ),
        gateAttacks('an answer without state is no answer: the client is asked again'),
      ],
    },
    'schema-2020-12': {
      says: 'JSON Schema 2020-12 is supported.',
      tests: [schemas('a schema is read in the dialect that it names, and in 2020-12 where it names none')],
    },
    'schema-default-dialect': {
      says: 'A schema that names no dialect is one of 2020-12.',
      tests: [schemas('a schema is read in the dialect that it names, and in 2020-12 where it names none')],
    },
    'schema-by-dialect': {
      says: 'Values are checked by the dialect that their schema names, or by 2020-12.',
      tests: [schemas('a schema is read in the dialect that it names, and in 2020-12 where it names none')],
    },
    'schema-unknown-dialect': {
      says: 'A dialect that is not known ends in an error that says so, not in a failure.',
      tests: [schemas('a dialect that is not known costs no other tool, and its output is not shown unchecked')],
      deviation: UNNAMED_DIALECT,
    },
    'schemas-valid': {
      says: 'Schemas that are published are valid in their dialect.',
      tests: [schemas('every schema that is published is valid in the dialect that it names, in %s')],
    },
    'schema-ref-network': {
      says: 'References to the network are not followed.',
      tests: [schemas('references to the network are not followed')],
    },
    'schema-ref-opt-in': {
      says: 'Following them is off unless somebody switches it on.',
      tests: [schemas('references to the network are not followed')],
    },
    'meta-no-assumptions': {
      says: 'Nothing is assumed about values at reserved keys of `_meta`.',
      tests: [messages('keys of _meta that mean nothing here change nothing, whatever they hold')],
    },
    'meta-prefix': {
      says: 'The prefix of a key of `_meta` is labels with dots between and a slash at the end.',
      tests: [messages('keys of _meta that the server sends are named as they must be')],
    },
    'meta-prefix-label': {
      says: 'A label begins with a letter and ends with a letter or digit.',
      tests: [messages('keys of _meta that the server sends are named as they must be')],
    },
    'meta-name': {
      says: 'The name of a key of `_meta` begins and ends with a letter or digit.',
      tests: [messages('keys of _meta that the server sends are named as they must be')],
    },
    'meta-required': {
      says: 'A request without version or capabilities is answered with -32602.',
      tests: [
        scenario('server-stateless'),
        stateless('a request without its version or its capabilities is answered with 400 and -32602'),
      ],
    },
    'meta-required-400': {
      says: 'It is answered with the status 400.',
      tests: [stateless('a request without its version or its capabilities is answered with 400 and -32602')],
    },
    'capabilities-declared': {
      says: 'Only what the request says that its client can do is used.',
      tests: [
        scenario('input-required-result-capability-check'),
        stateless('what one request says of its client does not hold for the next of the same connection'),
      ],
    },
    'capabilities-missing': {
      says: 'A request that needs more is answered with -32021 and what is missing.',
      tests: [
        scenario('server-stateless'),
        stateless('a client that lacks what a request needs is told so with 400, -32021 and the capabilities'),
      ],
    },
    'capabilities-missing-400': {
      says: 'It is answered with the status 400.',
      tests: [stateless('a client that lacks what a request needs is told so with 400, -32021 and the capabilities')],
    },
    'subscription-id': {
      says: 'What comes over a stream of `subscriptions/listen` has its id.',
      tests: [
        scenario('server-stateless'),
        stateless('a subscription is acknowledged before anything else, and all that it sends has its id'),
      ],
    },
    'trace-context': {
      says: 'Trace context in `_meta` has the formats of W3C.',
      notApplicable: 'The server puts no trace context into what it sends.',
    },
  }),
  ...page('2026-07-28', 'basic/versioning', {
    'unsupported-version': {
      says: 'A revision that is not known is answered with -32022 and those that are.',
      tests: [
        scenario('server-stateless'),
        router('names the supported versions to a client of a version that does not exist'),
      ],
    },
    discover: {
      says: '`server/discover` is there.',
      tests: [
        scenario('server-stateless'),
        stateless('server/discover tells versions, capabilities, and for how long that is good'),
      ],
    },
    'extension-names': {
      says: 'Extensions are named like keys of `_meta`, with a prefix.',
      notApplicable: 'The server declares no extensions.',
    },
    'extension-fallback': {
      says: 'Where one side does not know an extension, the other goes on without it or refuses.',
      tests: [stateless('an extension that only the client knows changes nothing')],
    },
  }),
  ...page('2026-07-28', 'basic/patterns/index', {
    'no-requests': {
      says: 'The server makes no requests.',
      tests: [
        scenario('server-stateless'),
        stateless('a call that asks ends with its questions, and no request of the server comes before'),
      ],
    },
  }),
  ...page('2026-07-28', 'basic/patterns/cancellation', {
    'listen-teardown': {
      says: 'A subscription that the server ends is cancelled by a notification.',
      deviation:
        'The page on subscriptions has the request answered instead, and the schema has the notification on stdio only: that is done, as clients of the SDK expect it.',
      tests: [
        stateless('a subscription that the server ends is answered'),
        notifications('ends with its result when the server stops'),
      ],
    },
    'nothing-else': {
      says: 'The server cancels nothing else.',
      tests: [stateless('a call that asks ends with its questions, and no request of the server comes before')],
    },
    disconnect: {
      says: 'A client that goes away cancels its request.',
      tests: [
        router('tells the action in the %s era'),
        cancellation('%s is cancelled'),
        rounds('leaving the request that has taken a call up aborts the call'),
      ],
    },
    'own-requests': {
      says: 'Cancellations refer to requests of the client that are in flight.',
      tests: [stateless('a call that asks ends with its questions, and no request of the server comes before')],
    },
    'listen-only': {
      says: 'Those of the server refer to subscriptions.',
      tests: [stateless('a call that asks ends with its questions, and no request of the server comes before')],
    },
    races: {
      says: 'A cancellation that comes too late does no harm.',
      tests: [messages('a cancellation of what is over, unknown or malformed changes nothing: %j')],
    },
  }),
  ...page('2026-07-28', 'basic/patterns/mrtr', {
    pattern: {
      says: 'What the server asks for is in the result of the request.',
      tests: [
        scenario('input-required-result-basic-elicitation'),
        scenario('input-required-result-basic-sampling'),
        scenario('input-required-result-basic-list-roots'),
        rounds(
          'a question ends the request with the questions and signed state, and the next request brings the result',
        ),
      ],
    },
    'only-three-methods': {
      says: 'Only calls, reads and prompts are answered with questions.',
      tests: [
        scenario('input-required-result-unsupported-methods'),
        scenario('input-required-result-non-tool-request'),
      ],
    },
    'keys-unique': {
      says: 'Each question of a request has a key of its own.',
      tests: [scenario('input-required-result-multiple-input-requests')],
    },
    kinds: {
      says: 'Questions are about forms and pages, sampling, or roots.',
      tests: [
        scenario('input-required-result-multiple-input-requests'),
        stateless('a call that asks ends with its questions, and no request of the server comes before'),
      ],
    },
    'state-untrusted': {
      says: 'State that a client brings back is not trusted.',
      tests: [
        scenario('input-required-result-tampered-state'),
        gateAttacks('state that was cut, padded, emptied or made up is refused'),
      ],
    },
    'state-protected': {
      says: 'Nobody can change state without being noticed.',
      tests: [
        gateAttacks('state with any one bit flipped is refused'),
        rounds('is forged from %s'),
        rounds('that was tampered with is forged'),
      ],
    },
    'state-rejected': {
      says: 'State that was changed is refused.',
      tests: [
        scenario('input-required-result-tampered-state'),
        gateAttacks('state with any one bit flipped is refused'),
      ],
    },
    'state-once': {
      says: 'What may happen once happens once, however often its state comes.',
      tests: [
        rounds('is good once: of 20 requests at once one gets the result'),
        gateAttacks('of a hundred answers at once one runs the call'),
      ],
    },
    'something-to-go-on': {
      says: 'An answer with questions has questions or state.',
      tests: [
        scenario('input-required-result-request-state'),
        stateless('a call that asks ends with its questions, and no request of the server comes before'),
      ],
    },
    capabilities: {
      says: 'A client is not asked for what it does not say that it can do.',
      tests: [
        scenario('input-required-result-capability-check'),
        stateless('what one request says of its client does not hold for the next of the same connection'),
      ],
    },
    'capabilities-elicitation': {
      says: 'One that does not know elicitation is not asked to elicit.',
      tests: [stateless('a client that lacks what a request needs is told so with 400, -32021 and the capabilities')],
    },
    'no-return': {
      says: 'Nobody may count on the client coming back.',
      tests: [
        suspendedCalls('aborts the call, and its state is good for nothing'),
        rounds('shutting down aborts what waits, and its outcome is on record'),
      ],
    },
    'state-validated': {
      says: 'State is checked as said above.',
      tests: [rounds('is good for nothing with %s, and stays good for its call'), rounds('is good for no other tool')],
    },
  }),
  ...page('2026-07-28', 'basic/patterns/progress', {
    'token-kind': {
      says: 'A progress token is a text or an integer.',
      tests: [messages('progress has the token of its request, be it a number or a text')],
    },
    increases: {
      says: 'Progress grows with every notification.',
      tests: [
        scenario('tools-call-with-progress'),
        notices('progress that does not grow, or is no number, is dropped'),
      ],
    },
    'known-tokens': {
      says: 'Progress is only told with the token of a request that is in flight.',
      tests: [
        notices('nobody is told of progress without a token, nor of log messages without a level'),
        notices('after a question, notices go with the request that brought the answer'),
      ],
    },
    stops: {
      says: 'Progress ends with the request.',
      tests: [notices('a handler that goes on after its call has ended is not heard')],
    },
  }),
  ...page('2026-07-28', 'basic/patterns/subscriptions', {
    'requested-only': {
      says: 'Only what was asked for is told.',
      tests: [
        scenario('server-stateless'),
        stateless('a subscription is told what it asked for, and nothing else'),
        notifications('carries its id on every notification, and nothing that was not asked for'),
      ],
    },
    'acknowledged-first': {
      says: 'A subscription is acknowledged first, under its id.',
      tests: [
        scenario('server-stateless'),
        stateless('a subscription is acknowledged before anything else, and all that it sends has its id'),
      ],
    },
    'nothing-before': {
      says: 'Nothing is told before.',
      tests: [stateless('a subscription is acknowledged before anything else, and all that it sends has its id')],
    },
  }),
];
