import { toProtocolError } from '../protocol/toProtocolError.js';

const PER_SECOND = 20;
const AT_ONCE = 60;
const MAX_PRINCIPALS = 10_000;

/**
 * Bounds how many completions one principal has a second, as these count towards no limit of calls
 * (MCP 2025-11-25, server/utilities/completion, security). A person who types needs far fewer.
 */
export class CompletionRate {
  readonly #nowMs: () => number;
  /** When all of a principal's completions so far will have been worth their time. */
  readonly #paidUntilMs = new Map<string, number>();

  constructor(options: { nowMs?: () => number } = {}) {
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /** @throws ProtocolError -31429 */
  count(principal: string): void {
    const nowMs = this.#nowMs();
    const paidUntilMs = Math.max(nowMs, this.#paidUntilMs.get(principal) ?? 0) + 1_000 / PER_SECOND;
    if (paidUntilMs - nowMs > (AT_ONCE * 1_000) / PER_SECOND) {
      const message = `Completions: expected at most ${AT_ONCE} at once and ${PER_SECOND} a second, got more; try again in a second`;
      throw toProtocolError({ name: 'TooManyRequestsError', message, status: 429, expected: true }, undefined);
    }
    // Kept in the order of use, so that the first is the one unused for longest.
    this.#paidUntilMs.delete(principal);
    this.#paidUntilMs.set(principal, paidUntilMs);
    if (this.#paidUntilMs.size > MAX_PRINCIPALS) {
      const [oldest] = this.#paidUntilMs.keys();
      this.#paidUntilMs.delete(oldest as string);
    }
  }
}
