import type { ActionEffect } from '@callboard/actions-api';
import { idOf, type Subject } from './subjects.js';

// What may run is written here in full, and nothing of it is taken from the code that decides.

export const modes = ['read_only', 'safe', 'delete_safe', 'full_access'] as const;
export type Mode = (typeof modes)[number];
export const profiles = ['agent', 'operator', 'readonly', 'admin', 'narrow'] as const;
export type Profile = (typeof profiles)[number];

/** Of the configuration of the backend under test. */
export const servers = {
  ops: { profile: 'admin', mode: undefined },
  reader: { profile: 'agent', mode: 'read_only' },
  half: { profile: 'admin', mode: 'delete_safe' },
} as const satisfies Record<string, { profile: Profile; mode: Mode | undefined }>;
export type ServerKey = keyof typeof servers;

export type Ruling = 'runs' | 'approval' | 'refused';

const contract: Record<Mode, Record<ActionEffect, Ruling>> = {
  read_only: {
    read: 'runs',
    create: 'refused',
    update: 'refused',
    replace: 'refused',
    delete: 'refused',
    execute: 'refused',
  },
  safe: {
    read: 'runs',
    create: 'approval',
    update: 'approval',
    replace: 'approval',
    delete: 'approval',
    execute: 'approval',
  },
  delete_safe: {
    read: 'runs',
    create: 'runs',
    update: 'runs',
    replace: 'runs',
    delete: 'approval',
    execute: 'approval',
  },
  full_access: { read: 'runs', create: 'runs', update: 'runs', replace: 'runs', delete: 'runs', execute: 'runs' },
};

const capabilitiesOf: Record<Profile, readonly string[]> = {
  agent: ['actions:read', 'actions:write', 'audit:read', 'alerts:read'],
  operator: ['actions:read', 'audit:read', 'alerts:read', 'approvals:read', 'approvals:decide'],
  readonly: ['actions:read', 'audit:read', 'alerts:read'],
  admin: ['*'],
  narrow: ['actions:read', 'actions:write'],
};

const scopesThatCover = {
  read: ['actions:read', 'actions:write', 'actions:destructive'],
  write: ['actions:write', 'actions:destructive'],
  destructive: ['actions:destructive'],
} as const;
const scopeOfEffect = {
  read: 'read',
  create: 'write',
  update: 'write',
  replace: 'destructive',
  delete: 'destructive',
  execute: 'destructive',
} as const;

/** Who calls: the rules for a caller are part of the name. */
export interface KnownCaller {
  readonly mode: Mode;
  readonly profile: Profile | undefined;
  /** Of an access token of a client; undefined for other credentials. */
  readonly scopes: readonly string[] | undefined;
}

export interface KnownCall {
  readonly subject: Subject;
  readonly effect: ActionEffect;
  readonly caller: KnownCaller;
  readonly door: 'mcp' | 'http' | 'in-process';
  /** Of MCP; undefined for the default one. */
  readonly server: ServerKey | undefined;
  /** To which the client narrows itself. */
  readonly asked?: Profile | undefined;
}

/** What becomes of a call whose input is right and whom nobody approves. */
export function rulingOn({ subject, effect, caller, door, server, asked }: KnownCall): Ruling {
  const given = server === undefined ? undefined : servers[server];
  const isMcp = door === 'mcp';
  const strictest = modes.find(mode => [caller.mode, isMcp && given?.mode].includes(mode)) as Mode;
  const applying = [caller.profile, ...(isMcp ? [given?.profile ?? 'agent', asked] : [])].filter(
    name => name !== undefined,
  );
  if (applying.some(profile => !allows(profile, subject, effect)) || isFilteredOut(subject, server, isMcp)) {
    return 'refused';
  }
  const isCovered = [subject.scope, scopeOfEffect[effect]].every(
    needed => !caller.scopes || scopesThatCover[needed].some(scope => caller.scopes?.includes(scope)),
  );
  return isCovered ? contract[strictest][effect] : 'refused';
}

function allows(profile: Profile, subject: Subject, effect: ActionEffect): boolean {
  const capabilities = capabilitiesOf[profile];
  const has = (capability: string) => capabilities.includes('*') || capabilities.includes(capability);
  const isHeldBack = profile === 'narrow' && subject.plugin === 'lights';
  const isUnsaidWrite = effect !== 'read' && subject.capability.endsWith(':read') && !has('actions:write');
  return has(subject.capability) && !isHeldBack && !isUnsaidWrite;
}

function isFilteredOut(subject: Subject, server: ServerKey | undefined, isMcp: boolean): boolean {
  return idOf(subject) === 'lights:filtered-out' || (isMcp && server === 'half' && subject.plugin === 'lights');
}

/** The rules for callers, as configuration writes them; names are such as `user:safe/readonly`. */
export const callerRules = [
  ...modes.map(mode => ({ principal: `*:${mode}/*`, mode })),
  ...profiles.map(profile => ({ principal: `*:*/${profile}`, profile })),
];

export const nameOf = ({ mode, profile }: Pick<KnownCaller, 'mode' | 'profile'>) => `${mode}/${profile ?? 'any'}`;

/** The caller that a principal of a record stands for. */
export function callerNamed(principal: string, clientId: string | undefined): KnownCaller | undefined {
  const [, mode, profile] = /(?:user|svc):([a-z_]+)\/([a-z]+)/.exec(principal) ?? [];
  if (!mode || !modes.includes(mode as Mode)) {
    return undefined;
  }
  return {
    mode: mode as Mode,
    profile: profile === 'any' ? undefined : (profile as Profile),
    scopes: clientId
      ?.split('+')
      .slice(1)
      .map(letter => `actions:${letter}`),
  };
}

/** The client whose tokens have these scopes. */
export const clientIdOf = (scopes: readonly string[]) =>
  ['client', ...scopes.map(scope => scope.replace('actions:', ''))].join('+');
