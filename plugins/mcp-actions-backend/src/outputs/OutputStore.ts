import { randomBytes } from 'node:crypto';
import type { ContentBlock } from '@callboard/actions-api';
import type { Cut } from './cutOutput.js';

/** RFC 3986 scheme and path of kept outputs, before their ids. */
export const OUTPUT_URI_PREFIX = 'callboard://outputs/';

const LIFETIME_MS = 15 * 60_000;
const MAX_BYTES_PER_OWNER = 16 * 1024 * 1024;
const MAX_BYTES = 128 * 1024 * 1024;
const SWEEP_INTERVAL_MS = 60_000;
const ID_BYTES = 24;

/** What is missing from a result: of the output, by JSON Pointer, or of a block of content. */
export type Missing =
  | ({ readonly kind: 'output' } & Cut)
  /** The output could not be cut: its JSON as text. */
  | { readonly kind: 'json'; readonly path: ''; readonly shown: 0; readonly of: number }
  | ({ readonly kind: 'content'; readonly block: number } & Cut);

/** An output that was too long for its result, as it is kept for whoever was given the result. */
export interface KeptOutput {
  /** 192 random bits. */
  readonly id: string;
  readonly owner: string;
  readonly actionId: string;
  readonly toolName: string;
  readonly json: string;
  readonly content: readonly ContentBlock[];
  readonly missing: readonly Missing[];
  readonly bytes: number;
  readonly expiresAtMs: number;
}

/**
 * Keeps long outputs in memory for a while. Each belongs to the principal, the OAuth client and the
 * server of its call; to everybody else it does not exist. The oldest give way: the owner's own
 * first, then everybody's.
 */
export class OutputStore {
  readonly #nowMs: () => number;
  readonly #limits: { lifetimeMs: number; bytesPerOwner: number; bytes: number };
  /** From the oldest to the newest, which is also the order in which they expire. */
  readonly #kept = new Map<string, KeptOutput>();
  #sweeping: NodeJS.Timeout | undefined;

  constructor(options: { nowMs?: () => number; lifetimeMs?: number; bytesPerOwner?: number; bytes?: number } = {}) {
    this.#nowMs = options.nowMs ?? Date.now;
    this.#limits = {
      lifetimeMs: options.lifetimeMs ?? LIFETIME_MS,
      bytesPerOwner: options.bytesPerOwner ?? MAX_BYTES_PER_OWNER,
      bytes: options.bytes ?? MAX_BYTES,
    };
  }

  /** @returns undefined if it is too long to be kept. */
  keep(output: Pick<KeptOutput, 'owner' | 'actionId' | 'toolName' | 'json' | 'content' | 'missing'>) {
    const bytes = bytesOf(output);
    if (bytes > Math.min(this.#limits.bytesPerOwner, this.#limits.bytes)) {
      return undefined;
    }
    this.#sweep();
    this.#makeRoom(bytes, this.#limits.bytesPerOwner, kept => kept.owner === output.owner);
    this.#makeRoom(bytes, this.#limits.bytes, () => true);
    const kept: KeptOutput = {
      ...output,
      id: randomBytes(ID_BYTES).toString('base64url'),
      bytes,
      expiresAtMs: this.#nowMs() + this.#limits.lifetimeMs,
    };
    this.#kept.set(kept.id, kept);
    this.#sweeping ??= setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS).unref();
    return kept;
  }

  /** @returns undefined if there is none, or it is somebody else's. */
  find(id: string, owner: string): KeptOutput | undefined {
    const kept = this.#kept.get(id);
    return kept && kept.owner === owner && kept.expiresAtMs > this.#nowMs() ? kept : undefined;
  }

  get size(): number {
    return this.#kept.size;
  }

  close(): void {
    clearInterval(this.#sweeping);
    this.#sweeping = undefined;
    this.#kept.clear();
  }

  #makeRoom(bytes: number, most: number, counts: (kept: KeptOutput) => boolean): void {
    const counted = [...this.#kept.values()].filter(counts);
    let sum = counted.reduce((total, kept) => total + kept.bytes, bytes);
    for (const kept of counted) {
      if (sum <= most) {
        return;
      }
      this.#kept.delete(kept.id);
      sum -= kept.bytes;
    }
  }

  #sweep(): void {
    for (const kept of this.#kept.values()) {
      if (kept.expiresAtMs > this.#nowMs()) {
        break;
      }
      this.#kept.delete(kept.id);
    }
    if (this.#kept.size === 0) {
      clearInterval(this.#sweeping);
      this.#sweeping = undefined;
    }
  }
}

/** At most: two bytes per character, and what there is around them. */
function bytesOf({ json, content, missing }: Pick<KeptOutput, 'json' | 'content' | 'missing'>): number {
  const characters = json.length + (content.length > 0 ? JSON.stringify(content).length : 0);
  return 2 * characters + missing.reduce((total, { path }) => total + 2 * path.length + 64, 512);
}
