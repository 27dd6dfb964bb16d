/** Lists kept for as many different visible sets. */
const MAX_LISTS = 256;

/** Lists that were worked out once, each under what it depends on; the oldest gives way. */
export class KeptLists<T> {
  readonly #lists = new Map<string, T>();

  get(key: string, workOut: () => T): T {
    let list = this.#lists.get(key);
    if (list === undefined) {
      list = workOut();
      this.#lists.set(key, list);
      if (this.#lists.size > MAX_LISTS) {
        const [oldest] = this.#lists.keys();
        this.#lists.delete(oldest as string);
      }
    }
    return list;
  }
}
