import type { JsonObject, JsonValue } from '@backstage/types';
import fc from 'fast-check';
import { subjects, toolOf } from '../server/subjects.js';

const PREFIX = 'io.modelcontextprotocol/';

const ids = fc.constantFrom<JsonValue>(1, 2, 3, 'a', 'b', 0, -1, 1.5, '', null, 2 ** 53, 'x'.repeat(200), '__proto__');
const tools = fc.constantFrom(
  ...subjects.filter(({ name }) => name !== 'fails').map(toolOf),
  'nothing.there',
  '',
  '__proto__',
);
const cursor = fc.constantFrom('', 'YWZ0ZXI6YQ', 'YWZ0ZXI6', 'x', 'after:a', '\u0000');
const tokens = fc.constantFrom<JsonValue>(1, 'p', '', -1, 1.5);

type Params = fc.Arbitrary<JsonObject>;

/** What every method takes, roughly. */
const requests: Record<string, Params> = {
  initialize: fc.record({
    protocolVersion: fc.constantFrom('2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05', '2026-07-28', '1', ''),
    capabilities: fc.constantFrom<JsonObject>(
      {},
      { roots: { listChanged: true } },
      { sampling: {} },
      { experimental: { x: {} } },
    ),
    clientInfo: fc.constant({ name: 'fuzz', version: '1' }),
  }),
  ping: fc.constant({}),
  'tools/list': fc.record({ cursor }, { requiredKeys: [] }),
  'tools/call': fc.record(
    {
      name: tools,
      arguments: fc.constantFrom<JsonValue>({ key: 'a' }, { key: 'b', count: 2 }, {}, [], null, {
        key: 'a',
        as: 'read',
      }),
      _meta: fc.record(
        { progressToken: tokens, 'callboard/reason': fc.constantFrom('why', '\u202e') },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: ['name', 'arguments'] },
  ) as Params,
  'resources/list': fc.record({ cursor }, { requiredKeys: [] }),
  'resources/templates/list': fc.record({ cursor }, { requiredKeys: [] }),
  'resources/read': fc.record({
    uri: fc.constantFrom('todo://x', 'x', '', 'file:///etc/passwd', `todo://${'a'.repeat(3_000)}`),
  }),
  'resources/subscribe': fc.record({ uri: fc.constantFrom('todo://x', '') }),
  'resources/unsubscribe': fc.record({ uri: fc.constantFrom('todo://x', '') }),
  'prompts/list': fc.record({ cursor }, { requiredKeys: [] }),
  'prompts/get': fc.record({ name: fc.constantFrom('x', ''), arguments: fc.constantFrom<JsonObject>({}, { a: 'b' }) }),
  'completion/complete': fc.record({
    ref: fc.constantFrom<JsonObject>({ type: 'ref/prompt', name: 'x' }, { type: 'ref/resource', uri: 'todo://{id}' }),
    argument: fc.constant({ name: 'id', value: 'x' }),
  }),
  'logging/setLevel': fc.record({ level: fc.constantFrom('debug', 'emergency', 'loud') }),
  'server/discover': fc.constant({}),
  'tasks/list': fc.constant({}),
  'sampling/createMessage': fc.constant({ messages: [], maxTokens: 1 }),
  'elicitation/create': fc.constant({ message: 'x', requestedSchema: { type: 'object', properties: {} } }),
  'roots/list': fc.constant({}),
  'rpc.discover': fc.constant({}),
  constructor: fc.constant({}),
};

const notifications: Record<string, Params> = {
  'notifications/initialized': fc.constant({}),
  'notifications/cancelled': fc.record(
    { requestId: ids, reason: fc.constant('x') },
    { requiredKeys: ['requestId'] },
  ) as Params,
  'notifications/progress': fc.record({ progressToken: tokens, progress: fc.constantFrom(1, -1, 1e308) }),
  'notifications/roots/list_changed': fc.constant({}),
  'notifications/message': fc.constant({ level: 'info', data: 'x' }),
};

const envelope = {
  [`${PREFIX}protocolVersion`]: '2026-07-28',
  [`${PREFIX}clientCapabilities`]: {},
  [`${PREFIX}clientInfo`]: { name: 'fuzz', version: '1' },
};

/** One method is as likely as any other, but for calls. */
const request = (isModern: boolean): fc.Arbitrary<JsonObject> =>
  fc
    .constantFrom(...Object.keys(requests), 'tools/call', 'tools/call', 'tools/call', 'tools/list')
    .chain(method =>
      fc.record({
        jsonrpc: fc.constant('2.0'),
        id: ids,
        method: fc.constant(method),
        params: requests[method] as Params,
      }),
    )
    .map(message =>
      isModern
        ? { ...message, params: { ...message.params, _meta: { ...(message.params._meta as object), ...envelope } } }
        : message,
    );

const notification: fc.Arbitrary<JsonObject> = fc
  .constantFrom(...Object.keys(notifications))
  .chain(method =>
    fc.record({ jsonrpc: fc.constant('2.0'), method: fc.constant(method), params: notifications[method] as Params }),
  );

const response: fc.Arbitrary<JsonObject> = fc
  .record({ jsonrpc: fc.constant('2.0'), id: ids })
  .chain(message =>
    fc.constantFrom<JsonObject>(
      { ...message, result: {} },
      { ...message, error: { code: -1, message: 'x' } },
      { ...message, result: { action: 'accept', content: {} } },
    ),
  );

/** A message of a client, or several. */
export const messages = (isModern: boolean): fc.Arbitrary<JsonValue> =>
  fc.oneof(
    { weight: 10, arbitrary: request(isModern) },
    { weight: 2, arbitrary: notification },
    { weight: 1, arbitrary: response },
    {
      weight: isModern ? 1 : 3,
      arbitrary: fc.array(fc.oneof({ weight: 3, arbitrary: request(false) }, notification, response), { maxLength: 6 }),
    },
    {
      weight: 1,
      arbitrary: fc
        .integer({ min: 45, max: 60 })
        .map(count => Array.from({ length: count }, (_, id) => ({ jsonrpc: '2.0', id, method: 'ping' }))),
    },
  );

/** Names that mean something in messages. */
export const messageKeys = [
  'jsonrpc',
  'id',
  'method',
  'params',
  'result',
  'error',
  '_meta',
  'name',
  'arguments',
  'cursor',
  'progressToken',
  'requestState',
  'inputResponses',
  'requestId',
  'uri',
  'task',
  `${PREFIX}protocolVersion`,
  `${PREFIX}clientCapabilities`,
  `${PREFIX}logLevel`,
];

export const messageValues: fc.Arbitrary<JsonValue> = fc.constantFrom<JsonValue>(
  '2.0',
  '1.0',
  'tools/call',
  'initialize',
  'notifications/cancelled',
  '2026-07-28',
  '2025-03-26',
  { elicitation: {} },
  { elicitation: { form: {}, url: {} } },
  { jsonrpc: '2.0', id: 9, method: 'ping' },
  'stage.read-it',
);
