import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import { InputError } from '@backstage/errors';
import {
  type ActionEffect,
  actionEffects,
  actionScopes,
  type Caller,
  type ClassedAction,
  capabilityOf,
  effectOf,
  matchesName,
  matchesPrincipal,
  type Ruling,
  rulingOf,
  type SafetyMode,
  strictnessOrder,
  WRITE_CAPABILITY,
} from '@callboard/actions-api';
import type { CallerRule } from '../config.js';
import { printable } from '../printable.js';
import { builtInProfiles, createProfile, type Profile } from './profiles.js';

/** Something that configuration says, and where. */
export interface Sourced<T> {
  readonly value: T;
  /** A configuration key, such as `mcpActions.servers.ops.mode`. */
  readonly config: string;
}

/** The rules that hold for one caller. */
export interface CallerRules {
  /** Equal keys mean equal rules, within this process. */
  readonly key: string;
  /** The strictest of all modes that apply. */
  readonly mode: Sourced<SafetyMode>;
  /** All of them apply: an action has to be in each. */
  readonly profiles: readonly Sourced<Profile>[];
}

/** What one MCP server says of everybody who calls through it. */
export interface ServerRules {
  /** `undefined` for the default server. */
  readonly key: string | undefined;
  readonly mode: Sourced<SafetyMode> | undefined;
  /** The name of a profile. */
  readonly profile: Sourced<string> | undefined;
  /** Whether it publishes an action at all. */
  readonly publishes: Sourced<(action: ActionsServiceAction) => boolean>;
}

/** Decides which mode and which profiles apply to whom. Rules narrow each other; none widens another. */
export class CallPolicy {
  readonly #mode: Sourced<SafetyMode>;
  readonly #profiles: ReadonlyMap<string, Profile>;
  readonly #callers: readonly CallerRule[];
  readonly #servers = new Map<string | undefined, ServerRules>();
  readonly #rules = new Map<string, CallerRules>();

  constructor(options: {
    mode: Sourced<SafetyMode>;
    /** Own ones, besides or instead of the built-in ones. */
    profiles: Readonly<Record<string, Parameters<typeof createProfile>[1]>>;
    callers: readonly CallerRule[];
  }) {
    this.#mode = options.mode;
    this.#profiles = new Map(
      Object.entries({ ...builtInProfiles, ...options.profiles }).map(([name, given]) => [
        name,
        createProfile(name, given),
      ]),
    );
    this.#callers = options.callers;
  }

  get profileNames(): string[] {
    return [...this.#profiles.keys()];
  }

  /** @throws Error if the profile does not exist. */
  addServer(rules: ServerRules): void {
    if (rules.profile && !this.#profiles.has(rules.profile.value)) {
      throw new Error(
        `${rules.profile.config}: expected one of the profiles ${this.profileNames.join(', ')}, got ${JSON.stringify(rules.profile.value)}`,
      );
    }
    this.#servers.set(rules.key, rules);
    this.#rules.clear();
  }

  serverOf({ door, server }: Caller): ServerRules | undefined {
    return door === 'mcp' ? this.#servers.get(server) : undefined;
  }

  /** @throws InputError if the caller asks for a profile that does not exist. */
  rulesFor(caller: Caller): CallerRules {
    const matching = this.#callers.flatMap((rule, index) => (applies(rule, caller) ? [index] : []));
    const server = this.serverOf(caller);
    const { profile } = caller;
    if (profile !== undefined && !this.#profiles.has(profile)) {
      throw new InputError(
        `There is no profile ${JSON.stringify(printable(profile))}, expected one of ${this.profileNames.join(', ')}`,
      );
    }
    const key = `${server ? `mcp/${server.key ?? ''}` : ''}#${matching.join(',')}@${profile ?? ''}`;
    let rules = this.#rules.get(key);
    if (!rules) {
      rules = this.#combine({ key, server, matching, asked: profile });
      this.#rules.set(key, rules);
    }
    return rules;
  }

  #combine(options: {
    key: string;
    server: ServerRules | undefined;
    /** Indexes of rules for callers. */
    matching: readonly number[];
    asked: string | undefined;
  }): CallerRules {
    const { key, server, matching, asked } = options;
    const modes = [this.#mode, ...(server?.mode ? [server.mode] : [])];
    const profiles = [
      ...(server?.profile ? [server.profile] : []),
      ...(asked === undefined ? [] : [{ value: asked, config: 'asked for by the caller' }]),
    ];
    for (const index of matching) {
      const { mode, profile } = this.#callers[index] as CallerRule;
      const config = `backend.actions.callers[${index}]`;
      if (mode) {
        modes.push({ value: mode, config: `${config}.mode` });
      }
      if (profile) {
        profiles.push({ value: profile, config: `${config}.profile` });
      }
    }
    // Of equal ones the first, which is the most general.
    const mode = modes.reduce((strictest, other) =>
      strictnessOrder(other.value) < strictnessOrder(strictest.value) ? other : strictest,
    );
    return {
      key,
      mode,
      profiles: profiles.map(({ value, config }) => ({ value: this.#profiles.get(value) as Profile, config })),
    };
  }
}

/** The profile that keeps a call of this effect from being made, if one does. */
export function findLackingProfile(
  { profiles }: CallerRules,
  action: ActionsServiceAction,
  effect: ActionEffect,
): Sourced<Profile> | undefined {
  return profiles.find(
    ({ value: profile }) =>
      // What an action says of itself is one thing, what this call does another.
      !profile.allows(action) ||
      (effect !== 'read' && capabilityOf(action).endsWith(':read') && !profile.has(WRITE_CAPABILITY)),
  );
}

/** The profile that keeps every call of an action from being made, whatever its input, if one does. */
export function findProfileLackingAny(rules: CallerRules, action: ActionsServiceAction): Sourced<Profile> | undefined {
  return findLackingProfile(rules, action, (action as ClassedAction).effect === 'by-input' ? 'read' : effectOf(action));
}

/** What the mode says of any call of an action: `refuse` only if no input could be let through. */
export function rulingOnAny({ mode }: CallerRules, action: ActionsServiceAction): Ruling {
  return (action as ClassedAction).effect === 'by-input' ? 'allow' : rulingOf(mode.value, effectOf(action));
}

/** Whether a person has to approve calls of an action, as far as the mode says: all, none, or some, by their input. */
export type ApprovalNeed = 'always' | 'never' | 'by-input';

export function approvalNeedOf({ mode }: CallerRules, action: ActionsServiceAction): ApprovalNeed {
  const approves = (effect: ActionEffect) => rulingOf(mode.value, effect) === 'approve';
  if ((action as ClassedAction).effect === 'by-input') {
    return actionEffects.some(approves) ? 'by-input' : 'never';
  }
  return approves(effectOf(action)) ? 'always' : 'never';
}

function applies({ principal, client, door, scope }: CallerRule, caller: Caller): boolean {
  return (
    (principal === undefined || matchesPrincipal(principal, caller.principal)) &&
    (client === undefined || (caller.clientId !== undefined && matchesName(client, caller.clientId))) &&
    (door === undefined || door === caller.door) &&
    (scope === undefined || (caller.scopes !== undefined && broadestScope(caller.scopes) === scope))
  );
}

/** Each scope includes those before it, so a token is as good as its broadest one. */
function broadestScope(granted: readonly string[]): string | undefined {
  return actionScopes.findLast(scope => granted.includes(scope));
}
