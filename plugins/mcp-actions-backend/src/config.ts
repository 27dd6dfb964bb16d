import type { RootConfigService } from '@backstage/backend-plugin-api';
import { type ActionFilter, actionFilterSchema } from '@callboard/actions';
import { type ConfigSection, readConfigSection, type SafetyMode, safetyModes } from '@callboard/actions-api';
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

const mcpConfigSchema = z.strictObject({
  name: z.string().min(1).default('backstage'),
  description: z.string().optional(),
  instructions: z.string().optional(),
  /** Of the default server; the strictest of this and `backend.actions.mode` holds. */
  mode: z.enum(safetyModes).optional(),
  profile: z.string().min(1).default('agent'),
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
        description: z.string().optional(),
        instructions: z.string().optional(),
        mode: z.enum(safetyModes).optional(),
        profile: z.string().min(1).default('agent'),
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
  const { name, description, instructions, mode, profile, servers, tracing, ...rest } = readConfigSection(
    config,
    mcpConfigSection,
  );
  const clientMetadataKey = config.has('auth.clientIdMetadataDocuments')
    ? 'auth.clientIdMetadataDocuments'
    : 'auth.experimentalClientIdMetadataDocuments';
  return {
    ...rest,
    captureToolPayload: tracing.capture.toolPayload,
    servers: [
      { key: undefined, name, description, instructions, mode, profile, filter: {}, configKey: 'mcpActions' },
      ...Object.entries(servers).map(([key, { filter = {}, ...server }]) => ({
        key,
        name: server.name,
        description: server.description,
        instructions: server.instructions,
        mode: server.mode,
        profile: server.profile,
        filter,
        configKey: `mcpActions.servers.${key}`,
      })),
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

function isOrigin(value: string): boolean {
  return URL.canParse(value) && new URL(value).origin === value;
}
