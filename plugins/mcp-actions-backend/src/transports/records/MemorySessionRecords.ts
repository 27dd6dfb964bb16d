import { applyChange, noRoom, type SessionChange, type SessionRecord, type SessionRecords } from './SessionRecords.js';

interface Kept {
  record: SessionRecord;
  usedAtMs: number;
}

/** In the memory of this process, which is the only one. */
export class MemorySessionRecords implements SessionRecords {
  readonly #byId = new Map<string, Kept>();
  readonly #maxSessions: number;
  readonly #idleTimeoutMs: number;
  readonly #nowMs: () => number;

  constructor(options: { maxSessions: number; idleTimeoutMs: number; nowMs?: () => number }) {
    this.#maxSessions = options.maxSessions;
    this.#idleTimeoutMs = options.idleTimeoutMs;
    this.#nowMs = options.nowMs ?? Date.now;
  }

  async open(): Promise<void> {}

  async add(record: SessionRecord): Promise<SessionRecord | undefined> {
    const displaced = this.#byId.size < this.#maxSessions ? undefined : this.#displace(record.owner);
    this.#byId.set(record.id, { record, usedAtMs: this.#nowMs() });
    return displaced;
  }

  async find(id: string): Promise<SessionRecord | undefined> {
    return this.#byId.get(id)?.record;
  }

  async change(id: string, change: SessionChange): Promise<void> {
    const kept = this.#byId.get(id);
    if (kept) {
      kept.record = applyChange(kept.record, change);
    }
  }

  async speak(id: string, replicaId: string): Promise<string | undefined> {
    const kept = this.#byId.get(id);
    const before = kept?.record.speaker;
    if (kept) {
      kept.record = { ...kept.record, speaker: replicaId };
    }
    return before;
  }

  async take(id: string): Promise<SessionRecord | undefined> {
    return this.#take(id);
  }

  touch(id: string): void {
    const kept = this.#byId.get(id);
    if (kept) {
      kept.usedAtMs = this.#nowMs();
    }
  }

  async sync(held: readonly string[]): Promise<{ ended: string[]; idle: SessionRecord[] }> {
    const idleSinceMs = this.#nowMs() - this.#idleTimeoutMs;
    const idle = [...this.#byId].filter(([, { usedAtMs }]) => usedAtMs <= idleSinceMs);
    return {
      ended: held.filter(id => !this.#byId.has(id)),
      idle: idle.map(([id]) => this.#take(id) as SessionRecord),
    };
  }

  async restore(records: readonly SessionRecord[]): Promise<void> {
    for (const record of records) {
      if (!this.#byId.has(record.id)) {
        this.#byId.set(record.id, { record, usedAtMs: this.#nowMs() });
      }
    }
  }

  #displace(owner: string): SessionRecord | undefined {
    const [longestUnused] = [...this.#byId.values()]
      .filter(({ record }) => record.owner === owner)
      .sort((a, b) => a.usedAtMs - b.usedAtMs);
    if (!longestUnused) {
      throw noRoom(this.#maxSessions);
    }
    return this.#take(longestUnused.record.id);
  }

  #take(id: string): SessionRecord | undefined {
    const record = this.#byId.get(id)?.record;
    this.#byId.delete(id);
    return record;
  }
}
