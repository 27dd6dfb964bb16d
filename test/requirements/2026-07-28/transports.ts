import {
  bridge,
  cancellation,
  headerMarks,
  messages,
  notices,
  paramHeaders,
  router,
  source,
  stateless,
  upstream,
} from '../proofs.js';
import { page, type Requirement, scenario } from '../requirement.js';

/** Transports of revision 2026-07-28. */
export const transports: readonly Requirement[] = [
  ...page('2026-07-28', 'basic/transports/index', {
    'utf-8': {
      says: 'Messages are UTF-8.',
      tests: [messages('texts of every script come back as they went, in UTF-8'), router('answers -32700 to %s')],
    },
    directions: {
      says: 'Requests and notifications of clients arrive, as do responses and notifications of the server.',
      tests: [
        scenario('tools-call-with-progress'),
        messages('a request is answered with JSON or an event stream, for Accept: %s'),
      ],
    },
    'custom-transports': {
      says: 'Other transports keep messages, patterns and metadata as they are.',
      notApplicable: 'This revision is served over Streamable HTTP and stdio only.',
    },
  }),
  ...page('2026-07-28', 'basic/transports/stdio', {
    newlines: {
      says: 'A message has no line end in it.',
      tests: [bridge('writes nothing but messages, whatever else goes on in the process')],
    },
    stdout: {
      says: 'Nothing but messages is written to standard output.',
      tests: [bridge('writes nothing but messages, whatever else goes on in the process')],
    },
    'no-requests': {
      says: 'No requests are written to standard output.',
      tests: [
        bridge('is asked to approve, and answers: %s'),
        upstream('is answered with what the server says, under its own id'),
      ],
    },
    cancelled: {
      says: 'Nothing more is written about a request that was cancelled.',
      tests: [bridge('cancels a call, and the action hears of it'), upstream('is hung up on when it is cancelled')],
    },
  }),
  ...page('2026-07-28', 'basic/transports/streamable-http', {
    'one-endpoint': {
      says: 'One path takes POST.',
      tests: [scenario('server-stateless'), router('says which methods there are')],
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
      says: 'Notifications that are taken are answered with 202 and no body.',
      tests: [messages('a notification is answered with nothing: %s')],
    },
    'notification-refused': {
      says: 'Notifications that cannot be taken are answered with an HTTP error.',
      tests: [messages('a notification that cannot be taken is answered with an HTTP error')],
    },
    'request-content-type': {
      says: 'A request is answered with JSON or an event stream.',
      tests: [messages('a request is answered with JSON or an event stream, for Accept: %s')],
    },
    'stream-own-notifications': {
      says: 'What comes before the response is about its request.',
      tests: [
        scenario('server-sse-multiple-streams'),
        notices('notices come before the result, progress with the token'),
        messages('progress has the token of its request, be it a number or a text'),
      ],
    },
    'stream-no-requests': {
      says: 'A stream has no requests of the server.',
      tests: [
        scenario('server-stateless'),
        stateless('a call that asks ends with its questions, and no request of the server comes before'),
      ],
    },
    'closed-is-cancelled': {
      says: 'Closing the stream cancels the request.',
      tests: [cancellation('%s is cancelled'), router('tells the action in the %s era')],
    },
    'closed-is-silent': {
      says: 'Nothing more is sent for it.',
      tests: [cancellation('%s is cancelled')],
    },
    'version-header': {
      says: 'A request has its revision in a header.',
      tests: [router('answers -32020 when %s is missing')],
    },
    'version-header-matches': {
      says: 'The header names the revision of the body.',
      tests: [router('answers -32020 when headers name %s than the body')],
    },
    'version-mismatch': {
      says: 'Else the answer is 400 and -32020.',
      tests: [scenario('server-stateless'), router('answers -32020 when headers name %s than the body')],
    },
    'version-unsupported': {
      says: 'A revision that is not known is answered with 400, -32022 and those that are.',
      tests: [
        scenario('server-stateless'),
        router('names the supported versions to a client of a version that does not exist'),
      ],
    },
    'method-unknown': {
      says: 'A method that does not exist is answered with 404 and -32601.',
      tests: [scenario('server-stateless'), router('answers -32601 to a method that does not exist, in both eras')],
    },
    'version-header-missing': {
      says: 'Without the header, a request is refused unless it may be one of an older client.',
      tests: [router('answers -32020 when %s is missing')],
    },
    'standard-headers': {
      says: 'Requests have their method, and calls, reads and prompts their name, in headers.',
      tests: [router('answers -32020 when %s is missing'), stateless('the URI of a read is compared with its header')],
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
    'annotation-chain': {
      says: 'It is not below lists, alternatives or references.',
      tests: [headerMarks('a tool is published without its marks')],
    },
    'sentinel-decoded': {
      says: 'Values in base64 are decoded.',
      tests: [stateless('a name in base64 is decoded before it is compared')],
    },
    'sentinel-before-comparison': {
      says: 'They are decoded before they are compared.',
      tests: [
        stateless('a name in base64 is decoded before it is compared'),
        router('answers -32020 when headers name %s than the body'),
      ],
    },
    'unknown-param-headers': {
      says: 'A header for an argument that is not known is passed on and means nothing.',
      tests: [stateless('headers for arguments that no tool asks for mean nothing')],
    },
    'param-header-characters': { says: 'Known ones have valid characters.', tests: paramHeaders },
    'param-header-matches': { says: 'Known ones say what the body says.', tests: paramHeaders },
    'param-header-mismatch': { says: 'Else the answer is 400 and -32020.', tests: paramHeaders },
    'param-header-provided': {
      says: 'A header for an argument that is there is compared with it.',
      tests: paramHeaders,
    },
    'param-header-null': { says: 'No header is expected for null.', tests: paramHeaders },
    'param-header-absent': { says: 'No header is expected for what is not there.', tests: paramHeaders },
    'param-header-left-out': { says: 'A header that is left out has the request refused.', tests: paramHeaders },
    'header-names-case': {
      says: 'The case of names of headers does not matter.',
      tests: [stateless('names of headers have any case, their values the one of the body')],
    },
    'headers-match': {
      says: 'A request whose headers say something else than its body is refused.',
      tests: [scenario('server-stateless'), router('answers -32020 when headers name %s than the body')],
    },
    'headers-mismatch-400': {
      says: 'It is answered with 400.',
      tests: [router('answers -32020 when headers name %s than the body')],
    },
    'headers-mismatch-code': {
      says: 'It is answered with -32020.',
      tests: [router('answers -32020 when headers name %s than the body'), router('answers -32020 when %s is missing')],
    },
    intermediaries: {
      says: 'Who passes requests on answers wrong headers with an HTTP error.',
      notApplicable: 'The server passes no requests on.',
    },
  }),
];
