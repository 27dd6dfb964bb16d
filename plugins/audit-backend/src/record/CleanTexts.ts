import { scrubText } from '@callboard/actions-api';

const MAX_KEPT = 1000;
const MAX_CHARACTERS = 128;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Remembers what names of principals, actions and the like are without secrets: they are the same in very many
 * calls, and to look for secrets takes longer than to remember.
 */
export class CleanTexts {
  readonly #kept = new Map<string, string>();

  /** @returns the text as `scrubText` has it; undefined for one that is not worth remembering. */
  get(text: unknown): string | undefined {
    if (typeof text !== 'string' || text.length > MAX_CHARACTERS) {
      return undefined;
    }
    if (UUID.test(text)) {
      return text;
    }
    let clean = this.#kept.get(text);
    if (clean === undefined) {
      if (this.#kept.size >= MAX_KEPT) {
        this.#kept.clear();
      }
      clean = scrubText(text);
      this.#kept.set(text, clean);
    }
    return clean;
  }
}
