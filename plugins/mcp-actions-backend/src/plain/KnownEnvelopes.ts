const MAX_KNOWN = 1_000;
const MAX_CHARACTERS = 4_000;

type Envelope = Record<string, unknown>;

/**
 * What clients of the 2026 era have said of themselves and the SDK has accepted. A client says the same
 * with each request, and to check it takes longer than many a call.
 */
export class KnownEnvelopes {
  readonly #known = new Set<string>();

  has(envelope: Envelope): boolean {
    return this.#known.has(JSON.stringify(envelope));
  }

  /** Remembers one that has been checked. */
  add(envelope: Envelope): void {
    const text = JSON.stringify(envelope);
    if (text.length > MAX_CHARACTERS) {
      return;
    }
    if (this.#known.size >= MAX_KNOWN) {
      this.#known.clear();
    }
    this.#known.add(text);
  }
}
