import type { JsonObject, JsonValue } from '@backstage/types';
import fc from 'fast-check';

/** In every value that nobody may read in a message. */
export const SECRET_MARK = 'S3crMark';

const secretText = `${SECRET_MARK}0123456789abcdef0123456789abcdef`;

const modes = ['read_only', 'safe', 'delete_safe', 'full_access'];
const mode = fc.constantFrom(...modes);
const flag = fc.boolean();

const some = (shape: Record<string, fc.Arbitrary<JsonValue>>) =>
  fc.record(shape, { requiredKeys: [] }) as fc.Arbitrary<JsonObject>;
const listOf = <T extends JsonValue>(item: fc.Arbitrary<T>, maxLength = 2, minLength = 0): fc.Arbitrary<JsonValue> =>
  fc.array(item, { minLength, maxLength });
const number = (min: number, max: number) => fc.oneof(fc.constantFrom(min, max), fc.integer({ min, max }));

const filterRule = some({
  id: fc.constantFrom('todo:*', '*:list-*', '{a,b}:*', '*:delete-*', 'todo:[a-c]*'),
  attributes: some({ readOnly: flag, destructive: flag, idempotent: flag }),
});
const filter = some({ include: listOf(filterRule), exclude: listOf(filterRule) });
const profileName = fc.constantFrom('agent', 'operator', 'readonly', 'admin');
const principals = fc.constantFrom('user:*', 'user:default/ada', 'ci', '*', 'plugin:scaffolder');

const actions = some({
  pluginSources: listOf(fc.constantFrom('todo', 'catalog')),
  filter,
  mode,
  environment: fc.constantFrom('production', 'rehearsal'),
  profiles: some({
    narrow: fc.record(
      { capabilities: listOf(fc.constantFrom('actions:read', 'audit:*', '*'), 2, 1), filter },
      { requiredKeys: ['capabilities'] },
    ) as fc.Arbitrary<JsonObject>,
  }),
  callers: listOf(
    fc
      .tuple(
        some({
          principal: principals,
          client: fc.constantFrom('https://*', 'two'),
          door: fc.constantFrom('mcp', 'http', 'in-process'),
          scope: fc.constantFrom('actions:read', 'actions:write'),
          profile: profileName,
        }),
        mode,
      )
      .map(([rule, own]) => ({ ...rule, mode: own })),
    3,
  ),
  timeoutSeconds: number(1, 86_400),
  approval: some({ elicitation: flag, lifetimeMinutes: number(1, 10_080) }),
  replicas: some({
    redis: fc.constantFrom(`redis://ada:${secretText}@redis.example:6379/0`),
    prefix: fc.constant('callboard'),
    secret: fc.constant(secretText),
  }),
  remote: some({ cacheSeconds: number(0, 100), timeoutSeconds: number(1, 300), invokeTimeoutSeconds: number(1, 100) }),
});

const ofServers = {
  description: fc.constant('What it is for'),
  instructions: fc.constant('How to use it'),
  mode,
  profile: profileName,
  toolNames: fc.constantFrom('plugin', 'exact'),
  enabledTools: listOf(fc.constantFrom('todo.*', 'x')),
  enabledPrompts: listOf(fc.constant('*')),
  enabledResources: listOf(fc.constant('todo://*')),
  discovery: fc.constantFrom('full', 'search'),
  pageSize: number(1, 10_000),
  maxOutputCharacters: number(1_000, 100_000),
};
const server = fc.record({ name: fc.constant('Ops'), ...ofServers, filter }, { requiredKeys: ['name'] });

const mcpActions = some({
  name: fc.constant('board'),
  ...ofServers,
  namespacedToolNames: flag,
  toolNameStyle: fc.constantFrom('dotted', 'safe'),
  tracing: some({ capture: some({ toolPayload: flag }) }),
  servers: some({ ops: server as fc.Arbitrary<JsonObject>, 'read-2': server as fc.Arbitrary<JsonObject> }),
  allowedHosts: listOf(fc.constantFrom('mcp.example.com', 'mcp.example.com:8443', '[::1]:1', '*')),
  allowedOrigins: listOf(fc.constantFrom('https://app.example.com', 'http://localhost:3000')),
  maxRequestBodyBytes: number(1_024, 67_108_864),
  sessions: some({ idleTimeoutMinutes: number(1, 10_080), maxSessions: number(1, 100_000) }),
  streams: some({
    keepAliveSeconds: number(1, 3_600),
    replayEvents: number(0, 100_000),
    retryMilliseconds: number(10, 600_000),
  }),
  secrets: some({ users: listOf(principals), lifetimeMinutes: number(1, 1_440) }),
});

const patterns = listOf(fc.constantFrom('https://app.example.com/*', 'cursor://*', 'http://127.0.0.1:*/*'));

const auth = some({
  experimentalDynamicClientRegistration: some({ enabled: flag, allowedRedirectUriPatterns: patterns }),
  clientIdMetadataDocuments: some({
    enabled: flag,
    allowedClientIdPatterns: patterns,
    allowedRedirectUriPatterns: patterns,
  }),
  experimentalClientIdMetadataDocuments: some({
    enabled: flag,
    allowedClientIdPatterns: patterns,
    allowedRedirectUriPatterns: patterns,
  }),
  clients: listOf(
    fc.record(
      {
        clientId: fc.constantFrom('portal'),
        clientSecret: fc.constant(secretText),
        name: fc.constant('Portal'),
        redirectUris: listOf(fc.constantFrom('https://portal.example.com/cb', 'http://127.0.0.1:9/cb')),
      },
      { requiredKeys: ['clientId', 'name'] },
    ) as fc.Arbitrary<JsonObject>,
    1,
  ),
  deviceAuthorization: some({ enabled: flag }),
  localUsers: listOf(
    fc.record({ name: fc.constantFrom('ada'), passwordHash: fc.constant(`scrypt$${SECRET_MARK}salt$hash`) }),
    1,
  ),
  tokens: some({
    accessTokenMinutes: number(1, 60),
    refreshTokenDays: number(1, 365),
    refreshGraceSeconds: number(0, 60),
  }),
  registration: some({
    maxClients: number(1, 100),
    unusedClientHours: number(1, 100),
    perAddressPerHour: number(1, 100),
  }),
  externalIssuers: listOf(
    fc.record(
      {
        issuer: fc.constantFrom('https://id.example.com', 'http://localhost:8080/realm'),
        audience: fc.constant('board'),
        claims: some({
          userEntityRef: fc.constant('sub'),
          userName: fc.constant('name'),
          scopes: fc.constant('scope'),
        }),
      },
      { requiredKeys: ['issuer', 'audience'] },
    ) as fc.Arbitrary<JsonObject>,
  ),
});

const audit = some({
  enabled: flag,
  failureMode: fc.constantFrom('strict', 'strict_mutations', 'best_effort'),
  file: some({
    directory: fc.constant('./data/audit'),
    maxFileMegabytes: number(1, 100),
    maxFileAgeHours: number(1, 100),
    maxFiles: number(2, 100),
  }),
  database: some({ enabled: flag }),
  openTelemetry: some({ enabled: flag }),
  maxInputBytes: number(256, 1_048_576),
});

const approvals = some({
  approvers: listOf(principals, 2, 1),
  selfApproval: flag,
  maxPendingPerPrincipal: number(1, 10_000),
  keepDays: number(1, 3_650),
});

const safety = some({
  operators: listOf(principals),
  pause: some({ file: fc.constant('./data/paused'), startPaused: flag }),
  limits: listOf(
    fc.record(
      {
        name: fc.constant('Slowly'),
        principal: principals,
        action: fc.constant('todo:*'),
        server: fc.constant('ops'),
        effects: listOf(fc.constantFrom('read', 'delete'), 2, 1),
        per: listOf(fc.constantFrom('principal', 'action', 'server')),
        rate: fc.record({ calls: number(1, 100), seconds: number(1, 100) }),
        concurrency: number(1, 100),
        perDay: number(1, 100),
      },
      { requiredKeys: ['perDay'] },
    ) as fc.Arbitrary<JsonObject>,
  ),
  pinning: fc.constantFrom('off', 'warn', 'hold'),
  alerts: some({
    webhooks: listOf(
      fc.record(
        {
          url: fc.constant(`https://hooks.example.com/${SECRET_MARK}/in`),
          secret: fc.constant(`whsec_${SECRET_MARK}${'A'.repeat(32)}`),
          events: listOf(fc.constantFrom('paused', 'audit_failure'), 2, 1),
          allowPrivateNetwork: flag,
        },
        { requiredKeys: ['url', 'secret'] },
      ) as fc.Arbitrary<JsonObject>,
      1,
    ),
  }),
  metrics: some({ public: flag }),
});

/** By the key of the section; each is good as it is. */
export const validSections = { 'backend.actions': actions, mcpActions, auth, audit, approvals, safety } as const;

/** Names that mean something in one section or another. */
export const configKeys = [
  'mode',
  'Mode',
  'modes',
  'profile',
  'profiles',
  'enabled',
  'filter',
  'include',
  'exclude',
  'callers',
  'limits',
  'selfApproval',
  'approvers',
  'failureMode',
  'pinning',
  'hold',
  'principal',
  'clientSecret',
  'secret',
  'enabledTools',
  'servers',
];

export const configValues: fc.Arbitrary<JsonValue> = fc.constantFrom<JsonValue>(
  ...modes,
  'full-access',
  'full_acess',
  'FULL_ACCESS',
  'full_access ',
  'open',
  'none',
  'true',
  'false',
  'yes',
  'off',
  '10',
  '1e3',
  'agent',
  'user:*',
  'user: *',
);

/** Under these, people make up the names. */
const named = ['backend.actions.profiles', 'mcpActions.servers'];

/** Every path that the sections above have, with `*` for places in lists and for names that people make up. */
export function knownPaths(): ReadonlySet<string> {
  const paths = new Set<string>();
  for (const [key, section] of Object.entries(validSections)) {
    for (const sample of fc.sample(section, { seed: 1, numRuns: 400 })) {
      for (const path of pathsIn(sample, key)) {
        paths.add(path);
      }
    }
  }
  return paths;
}

/** @returns the paths of all members, as `knownPaths` has them. */
export function pathsIn(value: unknown, path: string): string[] {
  if (typeof value !== 'object' || value === null) {
    return [];
  }
  return Object.entries(value).flatMap(([key, item]) => {
    const at = `${path}.${Array.isArray(value) || named.includes(path) ? '*' : key}`;
    return item === null || key === '__proto__' ? [] : [at, ...pathsIn(item, at)];
  });
}
