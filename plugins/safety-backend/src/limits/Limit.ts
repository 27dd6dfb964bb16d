import { createHash } from 'node:crypto';
import {
  type ActionEffect,
  type Caller,
  canonicalJson,
  type ExplainedCall,
  matchesName,
  matchesPrincipal,
} from '@callboard/actions-api';

export const limitSubjects = ['principal', 'action', 'server'] as const;
export type LimitSubject = (typeof limitSubjects)[number];

/** An entry of `safety.limits`. */
export interface LimitSettings {
  readonly name?: string;
  /** Patterns in which `*` stands for any text. */
  readonly principal?: string;
  readonly action?: string;
  /** The key of a named MCP server. */
  readonly server?: string;
  readonly effects?: readonly ActionEffect[];
  /** What is counted apart; with nothing, all calls are counted together. */
  readonly per: readonly LimitSubject[];
  readonly rate?: { readonly calls: number; readonly seconds: number };
  readonly concurrency?: number;
  readonly perDay?: number;
}

/** What a call is counted by. */
export type CountedCall = Pick<ExplainedCall, 'action' | 'effect'> & Pick<Caller, 'principal' | 'server'>;

/** One entry of the configuration, applied to calls. */
export class Limit {
  readonly settings: LimitSettings;
  /** Such as `safety.limits[0]`. */
  readonly config: string;
  readonly #identity: string;

  constructor(settings: LimitSettings, index: number) {
    this.settings = settings;
    this.config = `safety.limits[${index}]`;
    // What is counted belongs to what the limit says, not to its place in the list.
    this.#identity = canonicalJson(settings);
  }

  appliesTo({ principal: name, action: { id }, server: key, effect }: CountedCall): boolean {
    const { principal, action, server, effects } = this.settings;
    return (
      (principal === undefined || matchesPrincipal(principal, name)) &&
      (action === undefined || matchesName(action, id)) &&
      (server === undefined || server === key) &&
      (effects === undefined || effects.includes(effect))
    );
  }

  /** Of the counter for such calls, in 64 hexadecimal digits. */
  keyOf({ principal, action, server }: CountedCall, kind: 'rate' | 'day' | 'concurrency', day = ''): string {
    const values: Record<LimitSubject, string | undefined> = { principal, action: action.id, server };
    const counted = this.settings.per.map(subject => [subject, values[subject] ?? null]);
    return createHash('sha256')
      .update(canonicalJson([this.#identity, kind, day, ...counted]))
      .digest('hex');
  }

  /** In words, such as `10 calls per 60 seconds for each principal`. */
  describe(kind: 'rate' | 'perDay' | 'concurrency'): string {
    const { rate, perDay, concurrency, per } = this.settings;
    const amount = {
      rate: rate && `${rate.calls} ${rate.calls === 1 ? 'call' : 'calls'} per ${rate.seconds} seconds`,
      perDay: `${perDay} ${perDay === 1 ? 'call' : 'calls'} per day`,
      concurrency: `${concurrency} ${concurrency === 1 ? 'call' : 'calls'} at once`,
    }[kind];
    return `${amount}${per.length > 0 ? ` for each ${per.join(' and ')}` : ' in all'}`;
  }

  /** Its kinds that are configured. */
  get kinds(): ('rate' | 'perDay' | 'concurrency')[] {
    return (['rate', 'perDay', 'concurrency'] as const).filter(kind => this.settings[kind] !== undefined);
  }
}
