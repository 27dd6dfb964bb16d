import { LoneReplica, type Replicas } from '@callboard/actions';
import type { ContentBlock } from '@callboard/actions-api';
import { idAt, replicaOf } from '../replicas/replicaIds.js';
import type { Cut } from './cutOutput.js';
import { hasPartAt, type OutputPart, type Position, partAt } from './outputParts.js';
import { answerReaders, findElsewhere } from './outputsElsewhere.js';

/** RFC 3986 scheme and path of kept outputs, before their ids. */
export const OUTPUT_URI_PREFIX = 'callboard://outputs/';

const LIFETIME_MS = 15 * 60_000;
const MAX_BYTES_PER_OWNER = 16 * 1024 * 1024;
const MAX_BYTES = 128 * 1024 * 1024;
const SWEEP_INTERVAL_MS = 60_000;

/** What is missing from a result: of the output, by JSON Pointer, or of a block of content. */
export type Missing =
  | ({ readonly kind: 'output' } & Cut)
  /** The output could not be cut: its JSON as text. */
  | { readonly kind: 'json'; readonly path: ''; readonly shown: 0; readonly of: number }
  | ({ readonly kind: 'content'; readonly block: number } & Cut);

/** An output that was too long for its result, as it is kept for whoever was given the result. */
export interface KeptOutput {
  /** The replica's, a dot, and 192 random bits. */
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

/** A kept output to be read, wherever it is kept; both fail with NotFoundError once it is not any more. */
export interface FoundOutput {
  readonly actionId: string;
  /** @param position - at which there is a part. */
  part(position: Position, budget: number): Promise<OutputPart>;
  whole(): Promise<Pick<KeptOutput, 'json' | 'content'>>;
}

/**
 * Keeps long outputs in memory for a while, and finds those that other replicas keep. Each belongs to the principal, the OAuth client and the
 * server of its call; to everybody else it does not exist. The oldest give way: the owner's own
 * first, then everybody's.
 */
export class OutputStore {
  readonly #replicas: Replicas;
  readonly #nowMs: () => number;
  readonly #limits: { lifetimeMs: number; bytesPerOwner: number; bytes: number };
  /** From the oldest to the newest, which is also the order in which they expire. */
  readonly #kept = new Map<string, KeptOutput>();
  #sweeping: NodeJS.Timeout | undefined;
  #stopAnswering = () => {};

  constructor(
    options: {
      replicas?: Replicas;
      nowMs?: () => number;
      lifetimeMs?: number;
      bytesPerOwner?: number;
      bytes?: number;
    } = {},
  ) {
    this.#replicas = options.replicas ?? new LoneReplica();
    this.#nowMs = options.nowMs ?? Date.now;
    this.#limits = {
      lifetimeMs: options.lifetimeMs ?? LIFETIME_MS,
      bytesPerOwner: options.bytesPerOwner ?? MAX_BYTES_PER_OWNER,
      bytes: options.bytes ?? MAX_BYTES,
    };
  }

  /** From now on, the other replicas find what is kept here. */
  open(): void {
    this.#stopAnswering = answerReaders(this.#replicas, (id, owner) => this.#findHere(id, owner));
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
      id: idAt(this.#replicas.id),
      bytes,
      expiresAtMs: this.#nowMs() + this.#limits.lifetimeMs,
    };
    this.#kept.set(kept.id, kept);
    this.#sweeping ??= setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS).unref();
    return kept;
  }

  /**
   * @param position - where there has to be a part, if only that is to be read.
   * @returns undefined if there is none, or it is somebody else's.
   * @throws ServiceUnavailableError if it can be on a replica that cannot be reached at the moment.
   */
  async find(id: string, owner: string, position?: Position): Promise<FoundOutput | undefined> {
    const replicaId = replicaOf(id);
    if (replicaId !== this.#replicas.id) {
      return replicaId === undefined ? undefined : findElsewhere(this.#replicas, replicaId, { id, owner }, position);
    }
    const kept = this.#findHere(id, owner);
    return kept && (!position || hasPartAt(kept, position))
      ? {
          actionId: kept.actionId,
          part: async (at, budget) => partAt(kept, at, budget) as OutputPart,
          whole: async () => kept,
        }
      : undefined;
  }

  get size(): number {
    return this.#kept.size;
  }

  close(): void {
    this.#stopAnswering();
    clearInterval(this.#sweeping);
    this.#sweeping = undefined;
    this.#kept.clear();
  }

  #findHere(id: string, owner: string): KeptOutput | undefined {
    const kept = this.#kept.get(id);
    return kept && kept.owner === owner && kept.expiresAtMs > this.#nowMs() ? kept : undefined;
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
