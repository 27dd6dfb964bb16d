import type { RootConfigService } from '@backstage/backend-plugin-api';
import { type ConfigSection, readConfigSection } from '@callboard/actions-api';
import * as z from 'zod';
import { findPatternMistake, isSafeRedirectUri } from './redirects/redirectPatterns.js';
import { defaultClientIdPatterns, defaultRedirectUriPatterns } from './registration/defaultPatterns.js';

/** Other plugins' tokens carry it as their audience; a client of that name could be mistaken for one of them. */
const RESERVED_CLIENT_IDS = ['backstage'];

const pattern = z.string().superRefine((value, context) => {
  const mistake = findPatternMistake(value);
  if (mistake) {
    context.addIssue({ code: 'custom', message: mistake, input: value });
  }
});
const redirectUri = z.string().refine(isSafeRedirectUri, 'expected an absolute URI that browsers may be sent to');
const issuerUrl = z
  .string()
  .refine(
    value => URL.canParse(value) && /^(https:|http:\/\/(localhost|127\.0\.0\.1)[:/])/.test(value),
    'expected an https URL',
  );

const dynamicRegistrationSchema = z.strictObject({
  enabled: z.boolean().default(false),
  allowedRedirectUriPatterns: z.array(pattern).default(defaultRedirectUriPatterns),
});

const clientDocumentsSchema = z.strictObject({
  enabled: z.boolean().default(false),
  allowedClientIdPatterns: z.array(pattern).default(defaultClientIdPatterns),
  allowedRedirectUriPatterns: z.array(pattern).default(defaultRedirectUriPatterns),
});

const clientsSchema = z
  .array(
    z.strictObject({
      clientId: z
        .string()
        .regex(/^[\x21-\x7e]{1,200}$/, 'expected 1 to 200 visible ASCII characters')
        .refine(id => !RESERVED_CLIENT_IDS.includes(id), 'this name is reserved')
        .refine(id => !id.includes('://'), 'expected a name; URLs stand for metadata documents'),
      clientSecret: z.string().min(16).optional(),
      name: z.string().min(1).max(200),
      redirectUris: z.array(redirectUri).default([]),
    }),
  )
  .refine(
    isDistinct<{ clientId: string }>(client => client.clientId),
    'expected each clientId once',
  );

const localUsersSchema = z
  .array(
    z.strictObject({
      name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/i, 'expected a user name such as ada'),
      passwordHash: z.string().regex(/^scrypt\$[\w+/=-]+\$[\w+/=-]+$/, 'expected scrypt$<salt>$<hash>'),
    }),
  )
  .refine(
    isDistinct<{ name: string }>(user => user.name.toLowerCase()),
    'expected each name once',
  );

const tokensSchema = z.strictObject({
  accessTokenMinutes: z.number().min(1).max(60).default(15),
  refreshTokenDays: z.number().min(0.01).max(365).default(30),
  refreshGraceSeconds: z.number().min(0).max(60).default(10),
});

const registrationSchema = z.strictObject({
  maxClients: z.int().min(1).max(1_000_000).default(10_000),
  unusedClientHours: z.number().min(0.1).max(8_760).default(24),
  perAddressPerHour: z.int().min(1).max(1_000_000).default(60),
});

const externalIssuersSchema = z.array(
  z.strictObject({
    issuer: issuerUrl,
    audience: z.string().min(1),
    claims: z
      .strictObject({
        userEntityRef: z.string().min(1).optional(),
        userName: z.string().min(1).optional(),
        scopes: z.string().min(1).optional(),
      })
      .prefault({}),
  }),
);

const deviceAuthorizationSchema = z.strictObject({ enabled: z.boolean().default(true) });

/** The parts of `auth` that are ours are strict; what else stands there belongs to other plugins. */
const authConfigSchema = z.looseObject({
  experimentalDynamicClientRegistration: dynamicRegistrationSchema.prefault({}),
  clientIdMetadataDocuments: clientDocumentsSchema.optional(),
  experimentalClientIdMetadataDocuments: clientDocumentsSchema.optional(),
  clients: clientsSchema.default([]),
  deviceAuthorization: deviceAuthorizationSchema.prefault({}),
  localUsers: localUsersSchema.default([]),
  tokens: tokensSchema.prefault({}),
  registration: registrationSchema.prefault({}),
  externalIssuers: externalIssuersSchema.default([]),
});

export const authConfigSection = { key: 'auth', schema: authConfigSchema } satisfies ConfigSection;

/** A client that the configuration names. */
export interface ConfiguredClient {
  readonly clientId: string;
  readonly clientSecret?: string;
  readonly name: string;
  readonly redirectUris: readonly string[];
}

/** `auth`, read and checked, and the little that the plugin needs from elsewhere. */
export interface AuthConfig {
  readonly dynamicRegistration: { readonly enabled: boolean; readonly allowedRedirectUriPatterns: readonly string[] };
  readonly clientDocuments: {
    readonly enabled: boolean;
    readonly allowedClientIdPatterns: readonly string[];
    readonly allowedRedirectUriPatterns: readonly string[];
  };
  readonly clients: readonly ConfiguredClient[];
  readonly deviceAuthorization: { readonly enabled: boolean };
  readonly localUsers: readonly { readonly name: string; readonly passwordHash: string }[];
  /** Lets whoever sits at this machine in without a password. */
  readonly guest: { readonly userEntityRef: string | undefined } | undefined;
  readonly tokens: {
    readonly accessTokenMinutes: number;
    readonly refreshTokenDays: number;
    readonly refreshGraceSeconds: number;
  };
  readonly registration: {
    readonly maxClients: number;
    readonly unusedClientHours: number;
    readonly perAddressPerHour: number;
  };
  readonly externalIssuers: readonly {
    readonly issuer: string;
    readonly audience: string;
    readonly claims: { readonly userEntityRef?: string; readonly userName?: string; readonly scopes?: string };
  }[];
  /** MCP servers of this backend; the first is the default one. */
  readonly mcpServers: readonly { readonly key: string | undefined; readonly name: string }[];
  /** Whether any client can get a token here, so that there is something to announce. */
  readonly enabled: boolean;
}

/** @throws InputError that lists every mistake with its path. */
export function readAuthConfig(config: RootConfigService): AuthConfig {
  const settings = readConfigSection(config, authConfigSection);
  const clientDocuments =
    settings.clientIdMetadataDocuments ??
    settings.experimentalClientIdMetadataDocuments ??
    clientDocumentsSchema.parse({});
  const { clients, deviceAuthorization, localUsers, tokens, registration, externalIssuers } = settings;
  const dynamicRegistration = settings.experimentalDynamicClientRegistration;
  return {
    dynamicRegistration,
    clientDocuments,
    clients,
    deviceAuthorization,
    localUsers,
    guest: config.has('auth.providers.guest')
      ? { userEntityRef: config.getOptionalString('auth.providers.guest.userEntityRef') }
      : undefined,
    tokens,
    registration,
    externalIssuers,
    mcpServers: readMcpServers(config),
    enabled: dynamicRegistration.enabled || clientDocuments.enabled || clients.length > 0,
  };
}

function readMcpServers(config: RootConfigService): AuthConfig['mcpServers'] {
  // All at once: not every key of a server is one that Backstage takes in a path.
  const servers = config.getOptional<Record<string, { name?: unknown }>>('mcpActions.servers') ?? {};
  return [
    { key: undefined, name: config.getOptionalString('mcpActions.name') ?? 'backstage' },
    ...Object.entries(servers).map(([key, server]) => ({
      key,
      name: typeof server?.name === 'string' ? server.name : key,
    })),
  ];
}

function isDistinct<T>(name: (item: T) => string): (items: T[]) => boolean {
  return items => new Set(items.map(name)).size === items.length;
}
