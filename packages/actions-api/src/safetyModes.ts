import type { ActionEffect } from './effects.js';

/** The safety contract of a deployment, a server or a caller, from the strictest to the most open. */
export const safetyModes = ['read_only', 'safe', 'delete_safe', 'full_access'] as const;
export type SafetyMode = (typeof safetyModes)[number];

/** What a mode says of a call: it may run, a person has to approve it first, or it may not run. */
export type Ruling = 'allow' | 'approve' | 'refuse';

const write = { create: 'write', update: 'write', replace: 'write' } as const;
const columnOf = { read: 'read', ...write, delete: 'delete', execute: 'execute' } as const satisfies Record<
  ActionEffect,
  string
>;

const table = {
  read_only: { read: 'allow', write: 'refuse', delete: 'refuse', execute: 'refuse' },
  safe: { read: 'allow', write: 'approve', delete: 'approve', execute: 'approve' },
  delete_safe: { read: 'allow', write: 'allow', delete: 'approve', execute: 'approve' },
  full_access: { read: 'allow', write: 'allow', delete: 'allow', execute: 'allow' },
} as const satisfies Record<SafetyMode, Record<(typeof columnOf)[ActionEffect], Ruling>>;

/** What `mode` says of a call with `effect`; what is neither of those that are known is refused. */
export function rulingOf(mode: SafetyMode, effect: ActionEffect): Ruling {
  const row: Partial<Record<string, Ruling>> | undefined = table[mode];
  return row?.[columnOf[effect]] ?? 'refuse';
}

/** What a mode means, for people. */
export const modeMeanings = {
  read_only: 'reads run, everything else is refused',
  safe: 'reads run, a person approves everything else',
  delete_safe: 'reads and writes run, a person approves deletions and executions',
  full_access: 'everything runs without approval',
} as const satisfies Record<SafetyMode, string>;

/** @returns a number that is the smaller the stricter the mode is. */
export function strictnessOrder(mode: SafetyMode): number {
  return safetyModes.indexOf(mode);
}
