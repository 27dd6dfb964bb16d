import type { PublishedTool, ToolList } from '../tools/ToolList.js';
import { ToolIndex } from './ToolIndex.js';

/** Indexes kept for as many different visible sets; one over 1,000 tools has some megabytes. */
const MAX_INDEXES = 32;
const MAX_SIMILAR = 3;

/** Searches the tools of one server. What a caller cannot see is in no index that the caller's queries go to. */
export class ToolSearch {
  /** In the order of use. */
  readonly #indexes = new Map<ToolList, ToolIndex>();

  find(list: ToolList, query: string, limit: number): PublishedTool[] {
    return this.#indexOf(list).find(query, limit);
  }

  /** Names that somebody may have meant who wrote one that is not there. */
  similarNames(list: ToolList, name: string): string[] {
    return this.find(list, name, MAX_SIMILAR).map(({ tool }) => tool.name);
  }

  #indexOf(list: ToolList): ToolIndex {
    const index = this.#indexes.get(list) ?? new ToolIndex(list);
    this.#indexes.delete(list);
    this.#indexes.set(list, index);
    if (this.#indexes.size > MAX_INDEXES) {
      const [oldest] = this.#indexes.keys();
      this.#indexes.delete(oldest as ToolList);
    }
    return index;
  }
}
