import { UNNAMED_DIALECT } from '../deviations.js';
import {
  answerCall,
  asking,
  bridge,
  cancellation,
  clients,
  gateAttacks,
  messages,
  notices,
  resuming,
  router,
  schemas,
  servers,
  sessionMessages,
  sessions,
  source,
  sse,
  streams,
} from '../proofs.js';
import { page, type Requirement, scenario } from '../requirement.js';

const NO_TASKS = 'Tasks are not offered: the capability is not declared.';

/** Messages, lifecycle, transports and utilities of revision 2025-11-25. */
export const basic: readonly Requirement[] = [
  ...page('2025-11-25', 'basic/index', {
    'base-protocol': {
      says: 'The base protocol and the lifecycle are there, whatever else is not.',
      tests: [scenario('server-initialize'), clients('connects, in the era that it asks for')],
    },
    'json-rpc': {
      says: 'All messages are JSON-RPC 2.0.',
      tests: [
        router('answers -32600 to %j, which is no JSON-RPC message'),
        messages('an answer has a result or an error, and an error has an integer as code and a message'),
      ],
    },
    'request-id': {
      says: 'Requests of the server have a text or an integer as id.',
      tests: [
        sessionMessages('requests of the server have ids that are never null, and never used twice in a session'),
      ],
    },
    'request-id-not-null': {
      says: 'That id is not null.',
      tests: [
        sessionMessages('requests of the server have ids that are never null, and never used twice in a session'),
      ],
    },
    'request-id-once': {
      says: 'The server uses no id twice for requests in one session.',
      tests: [
        sessionMessages('requests of the server have ids that are never null, and never used twice in a session'),
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
    'notification-unanswered': {
      says: 'A notification is not answered.',
      tests: [messages('a notification is answered with nothing: %s')],
    },
    'notification-no-id': {
      says: 'Notifications of the server have no id.',
      tests: [messages('notifications of the server have no id')],
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
  }),
  ...page('2025-11-25', 'basic/lifecycle', {
    'initialize-first': {
      says: 'A session begins with `initialize`.',
      tests: [sessionMessages('nothing but initialize opens a session')],
    },
    'initialize-result': {
      says: '`initialize` is answered with what the server can do and who it is.',
      tests: [
        scenario('server-initialize'),
        sessionMessages('initialize is answered with version, capabilities, and name of the server'),
        servers('present themselves by name, description and instructions'),
      ],
    },
    'version-supported': {
      says: 'A revision that is known is answered with itself.',
      tests: [sessions('speaks %s with a client that asks for it')],
    },
    'version-other': {
      says: 'A revision that is not known is answered with one that is.',
      tests: [sessions('is answered with the latest version it knows where the client asks for an unknown one')],
    },
    'version-respected': {
      says: 'The session goes on in the revision that was agreed on.',
      tests: [
        sessions('goes on in its own revision where a request names another one that there is'),
        sessions('has batches only if it speaks the revision that has them, whatever the headers say'),
      ],
    },
    'capabilities-respected': {
      says: 'Only what both have said that they can do is used.',
      tests: [
        answerCall('{"url":{}} means that it takes links only, and it is not asked'),
        asking('that cannot be asked what %s asks is told what it lacks'),
      ],
    },
  }),
  ...page('2025-11-25', 'basic/transports', {
    'utf-8': {
      says: 'Messages are UTF-8.',
      tests: [messages('texts of every script come back as they went, in UTF-8'), router('answers -32700 to %s')],
    },
    'stdio-newlines': {
      says: 'On stdio, a message has no line end in it.',
      tests: [bridge('writes nothing but messages, whatever else goes on in the process')],
    },
    'stdio-stdout': {
      says: 'On stdio, nothing but messages is written to standard output.',
      tests: [bridge('writes nothing but messages, whatever else goes on in the process')],
    },
    'one-endpoint': {
      says: 'One path takes POST and GET.',
      tests: [
        router('says which methods there are'),
        streams('a GET on a session is answered with an event stream, and without one with 405'),
      ],
    },
    'origin-validated': {
      says: 'The Origin of every request is checked.',
      tests: [
        scenario('dns-rebinding-protection'),
        router('refuses a foreign Origin before it looks at the token, runs nothing and puts it on record'),
        source('refuses the origin %j'),
      ],
    },
    'origin-403': {
      says: 'A foreign Origin is answered with 403.',
      tests: [
        router('refuses a foreign Origin before it looks at the token, runs nothing and puts it on record'),
        router('refuses two Origin headers, of which one is good'),
      ],
    },
    'notification-202': {
      says: 'Notifications and responses that are taken are answered with 202 and no body.',
      tests: [
        router('answers 202 to notifications and responses, which want no answer'),
        messages('a notification is answered with nothing: %s'),
      ],
    },
    'notification-refused': {
      says: 'Notifications and responses that cannot be taken are answered with an HTTP error.',
      tests: [messages('a notification that cannot be taken is answered with an HTTP error')],
    },
    'request-content-type': {
      says: 'A request is answered with JSON or an event stream.',
      tests: [messages('a request is answered with JSON or an event stream, for Accept: %s')],
    },
    'get-stream-or-405': {
      says: 'A GET is answered with an event stream or 405.',
      tests: [streams('a GET on a session is answered with an event stream, and without one with 405')],
    },
    'get-stream-no-responses': {
      says: 'The stream of a GET has no responses, unless it resumes that of a request.',
      tests: [streams('the stream of a GET has no answers, and each message goes over one stream')],
    },
    'one-stream-per-message': {
      says: 'A message goes over one stream.',
      tests: [
        scenario('server-sse-multiple-streams'),
        streams('the stream of a GET has no answers, and each message goes over one stream'),
      ],
    },
    'no-broadcast': {
      says: 'A message is not sent over several streams.',
      tests: [streams('the stream of a GET has no answers, and each message goes over one stream')],
    },
    'event-id-unique': {
      says: 'An event id is unique among all streams of a session.',
      tests: [streams('ids of events are used once in a session')],
    },
    'replay-same-stream': {
      says: 'What is sent again is what was missed on that stream, nothing of others.',
      tests: [resuming('is gone on with alone: nothing of other streams of the session comes with it')],
    },
    'session-id-visible-ascii': {
      says: 'Session ids are visible ASCII characters.',
      tests: [router('opens sessions for clients that initialize')],
    },
    'session-ended-404': {
      says: 'A session that has ended is answered with 404.',
      tests: [
        sessions('serves the principal that opened it until that ends it'),
        sessions('ends when nobody has used it for the idle time-out'),
      ],
    },
    'protocol-version-400': {
      says: 'A revision in the header that is not known is answered with 400.',
      tests: [
        router('names the supported versions to a client of a version that does not exist'),
        sessions('goes on in its own revision where a request names another one that there is'),
      ],
    },
    'custom-transports': {
      says: 'What else there is to connect by keeps messages and lifecycle as they are.',
      tests: [
        sse('announces where to post, and answers on the stream, at /v1%s/sse'),
        clients('connects, in the era that it asks for'),
      ],
    },
  }),
  ...page('2025-11-25', 'basic/utilities/cancellation', {
    'own-requests': {
      says: 'The server cancels only requests of its own that are not answered yet.',
      tests: [sessionMessages('questions are cancelled by their own ids, and only while they are open')],
    },
    tasks: { says: 'Tasks are cancelled by a method of their own.', notApplicable: NO_TASKS },
    races: {
      says: 'A cancellation that comes too late does no harm.',
      tests: [
        messages('a cancellation of what is over, unknown or malformed changes nothing: %j'),
        gateAttacks('an answer after the call was cancelled runs nothing and leaves the approval unused'),
        cancellation('that is cancelled reaches the signal of its handler'),
      ],
    },
  }),
  ...page('2025-11-25', 'basic/utilities/ping', {
    answered: {
      says: 'A ping is answered at once with an empty result.',
      tests: [scenario('ping'), sessionMessages('a ping is answered with an empty result')],
    },
  }),
  ...page('2025-11-25', 'basic/utilities/progress', {
    'token-kind': {
      says: 'A progress token is a text or an integer.',
      tests: [
        notices('is told of progress'),
        messages('progress has the token of its request, be it a number or a text'),
      ],
    },
    'token-unique': {
      says: 'Tokens of own requests are unique among those in flight.',
      tests: [sessionMessages('requests of the server ask for no progress of their own')],
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
        messages('progress has the token of its request, be it a number or a text'),
      ],
    },
    stops: {
      says: 'Progress ends with the request.',
      tests: [notices('a handler that goes on after its call has ended is not heard')],
    },
    'task-token': { says: 'The token of a task stays the one of its request.', notApplicable: NO_TASKS },
    'task-token-same': { says: 'Progress of a task has that token.', notApplicable: NO_TASKS },
    'task-stops': { says: 'Progress of a task ends with the task.', notApplicable: NO_TASKS },
  }),
  ...page('2025-11-25', 'basic/utilities/tasks', {
    'not-declared': {
      says: 'Who does not declare tasks answers a request that asks for one as any other.',
      tests: [sessionMessages('a request that asks for a task is answered as any other')],
    },
    declared: { says: 'The other 40 rules of the page, for those who declare tasks.', notApplicable: NO_TASKS },
  }),
];
