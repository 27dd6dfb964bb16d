import type { RootConfigService } from '@backstage/backend-plugin-api';
import { type ActionFilter, actionFilterSchema } from '@callboard/actions';
import {
  type ConfigSection,
  principalPatternSchema,
  readConfigSection,
  type SafetyMode,
  safetyModes,
} from '@callboard/actions-api';
import * as z from 'zod';

const SERVER_KEY = /^[a-z0-9][a-z0-9-]*$/;
/** Taken by the deprecated transport's own path, `/v1/sse`. */
const RESERVED_SERVER_KEYS = ['sse'];

const serverKeySchema = z
  .string()
  .regex(SERVER_KEY, 'Invalid MCP server key: must be lowercase alphanumeric with hyphens')
  .refine(key => !RESERVED_SERVER_KEYS.includes(key), 'Invalid MCP server key: "sse" is a path of the server itself');

const origin = z.string().refine(isOrigin, 'expected an origin such as https://app.example.com');
const host = z
  .string()
  .regex(
    /^(\*|[a-z0-9.-]+(:\d{1,5})?|\[[0-9a-f:]+\](:\d{1,5})?)$/,
    'expected a host such as mcp.example.com or mcp.example.com:8443, or *',
  );

/** Names in which `*` stands for any text. */
const allowList = z.array(z.string().min(1).max(512)).optional();

/** What every server can say for itself. */
const serverShape = {
  description: z.string().optional(),
  instructions: z.string().optional(),
  /** The strictest of this and `backend.actions.mode` holds. */
  mode: z.enum(safetyModes).optional(),
  profile: z.string().min(1).default('agent'),
  /** `exact`: an action that declares a tool name of its own has just that. */
  toolNames: z.enum(['plugin', 'exact']).default('plugin'),
  enabledTools: allowList,
  enabledPrompts: allowList,
  /** URIs and URI templates. */
  enabledResources: allowList,
  discovery: z.enum(['full', 'search']).default('full'),
  /** Entries per page of a list; without it a list is one page. */
  pageSize: z.int().min(1).max(10_000).optional(),
  /** Characters of JSON; a longer output is cut. Without it, none is. */
  maxOutputCharacters: z.int().min(1_000).max(100_000_000).optional(),
};

const mcpConfigSchema = z.strictObject({
  name: z.string().min(1).default('backstage'),
  ...serverShape,
  namespacedToolNames: z.boolean().default(true),
  toolNameStyle: z.enum(['dotted', 'safe']).default('dotted'),
  tracing: z
    .strictObject({ capture: z.strictObject({ toolPayload: z.boolean().default(false) }).prefault({}) })
    .prefault({}),
  servers: z
    .record(
      serverKeySchema,
      z.strictObject({
        name: z.string().min(1),
        ...serverShape,
        filter: actionFilterSchema.optional(),
      }),
    )
    .default({}),
  allowedHosts: z.array(host).default([]),
  allowedOrigins: z.array(origin).default([]),
  maxRequestBodyBytes: z.int().min(1024).max(67_108_864).default(1_048_576),
  sessions: z
    .strictObject({
      idleTimeoutMinutes: z.number().min(0.1).max(10_080).default(30),
      maxSessions: z.int().min(1).max(100_000).default(1_000),
    })
    .prefault({}),
  streams: z
    .strictObject({
      /** After so long without a byte a comment is sent, so that nothing in between gives the stream up. */
      keepAliveSeconds: z.number().min(1).max(3_600).default(15),
      /** Kept per session, for clients that lost their stream and come back. 0: none. */
      replayEvents: z.int().min(0).max(100_000).default(256),
      /** After so long a client that lost its stream tries again. */
      retryMilliseconds: z.int().min(10).max(600_000).default(1_000),
    })
    .prefault({}),
  secrets: z
    .strictObject({
      /** Users who may enter secrets for calls of callers who are no users, such as static tokens. */
      users: z.array(principalPatternSchema).default([]),
      /** How long a page waits for secrets, and secrets for the call to be made again. */
      lifetimeMinutes: z.number().min(1).max(1_440).default(15),
    })
    .prefault({}),
});

export const mcpConfigSection = { key: 'mcpActions', schema: mcpConfigSchema } satisfies ConfigSection;

/** One MCP server that this backend publishes. */
export interface ServerConfig {
  /** Undefined for the default server. */
  readonly key: string | undefined;
  readonly name: string;
  readonly description: string | undefined;
  readonly instructions: string | undefined;
  readonly mode: SafetyMode | undefined;
  readonly profile: string;
  readonly toolNames: 'plugin' | 'exact';
  readonly enabledTools: readonly string[] | undefined;
  readonly enabledPrompts: readonly string[] | undefined;
  readonly enabledResources: readonly string[] | undefined;
  readonly discovery: 'full' | 'search';
  readonly pageSize: number | undefined;
  readonly maxOutputCharacters: number | undefined;
  readonly filter: ActionFilter;
  /** Where it is configured, such as `mcpActions.servers.ops`. */
  readonly configKey: string;
}

/** `mcpActions`, read and checked, and the little that the plugin needs from elsewhere. */
export interface McpConfig {
  readonly servers: readonly ServerConfig[];
  readonly namespacedToolNames: boolean;
  readonly toolNameStyle: 'dotted' | 'safe';
  readonly captureToolPayload: boolean;
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly maxRequestBodyBytes: number;
  readonly sessions: { readonly idleTimeoutMinutes: number; readonly maxSessions: number };
  readonly streams: {
    readonly keepAliveSeconds: number;
    readonly replayEvents: number;
    readonly retryMilliseconds: number;
  };
  readonly secrets: { readonly users: readonly string[]; readonly lifetimeMinutes: number };
  readonly baseUrl: URL;
  /** Backstage's switch that lets requests without credentials in. */
  readonly allowsAnonymous: boolean;
  /** Whether clients can obtain tokens from this backend, so that metadata for them makes sense. */
  readonly issuesTokens: boolean;
  /** Identity providers whose tokens the authorization server takes as well. */
  readonly externalIssuers: readonly string[];
}

/** @throws InputError that lists every mistake under `mcpActions` with its path. */
export function readMcpConfig(config: RootConfigService): McpConfig {
  const section = readConfigSection(config, mcpConfigSection);
  const { servers, tracing, ...rest } = section;
  const clientMetadataKey = config.has('auth.clientIdMetadataDocuments')
    ? 'auth.clientIdMetadataDocuments'
    : 'auth.experimentalClientIdMetadataDocuments';
  return {
    ...rest,
    captureToolPayload: tracing.capture.toolPayload,
    servers: [
      toServerConfig(undefined, { ...section, filter: undefined }),
      ...Object.entries(servers).map(([key, server]) => toServerConfig(key, server)),
    ],
    baseUrl: new URL(config.getString('backend.baseUrl')),
    allowsAnonymous: config.getOptionalBoolean('backend.auth.dangerouslyDisableDefaultAuthPolicy') ?? false,
    externalIssuers: (config.getOptionalConfigArray('auth.externalIssuers') ?? []).map(issuer =>
      issuer.getString('issuer'),
    ),
    issuesTokens:
      (config.getOptionalBoolean('auth.experimentalDynamicClientRegistration.enabled') ?? false) ||
      (config.getOptionalBoolean(`${clientMetadataKey}.enabled`) ?? false) ||
      (config.getOptionalConfigArray('auth.clients') ?? []).length > 0,
  };
}

type GivenServer = z.output<typeof mcpConfigSchema>['servers'][string];

function toServerConfig(key: string | undefined, server: GivenServer): ServerConfig {
  return {
    key,
    name: server.name,
    description: server.description,
    instructions: server.instructions,
    mode: server.mode,
    profile: server.profile,
    toolNames: server.toolNames,
    enabledTools: server.enabledTools,
    enabledPrompts: server.enabledPrompts,
    enabledResources: server.enabledResources,
    discovery: server.discovery,
    pageSize: server.pageSize,
    maxOutputCharacters: server.maxOutputCharacters,
    filter: server.filter ?? {},
    configKey: key === undefined ? 'mcpActions' : `mcpActions.servers.${key}`,
  };
}

function isOrigin(value: string): boolean {
  return URL.canParse(value) && new URL(value).origin === value;
}
