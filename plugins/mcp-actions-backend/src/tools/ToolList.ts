import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import type { Tool } from '@modelcontextprotocol/server';

/** An action as one server publishes it. */
export interface PublishedTool {
  readonly action: ActionsServiceAction;
  readonly tool: Tool;
}

/** The tools of one server that one set of callers may call. Lists of one and the same set are one object. */
export class ToolList {
  /** The actions among them, sorted by the name of the tool. */
  readonly published: readonly PublishedTool[];
  /** What `tools/list` shows, sorted by name. */
  readonly listed: readonly Tool[];
  readonly #byName: ReadonlyMap<string, PublishedTool>;
  readonly #json = new Map<string, Buffer>();

  /** @param options.showsActions - whether `tools/list` shows the actions, or only what the server has itself. */
  constructor(options: { published: readonly PublishedTool[]; ownTools: readonly Tool[]; showsActions: boolean }) {
    this.published = [...options.published].sort((a, b) => byName(a.tool, b.tool));
    const shown = options.showsActions ? this.published.map(({ tool }) => tool) : [];
    this.listed = [...shown, ...options.ownTools].sort(byName);
    this.#byName = new Map(this.published.map(entry => [entry.tool.name, entry]));
  }

  /** The bytes of a result with this list, which are the same each time under one key. */
  json(key: string, workOut: () => object): Buffer {
    let json = this.#json.get(key);
    if (!json) {
      json = Buffer.from(JSON.stringify(workOut()));
      this.#json.set(key, json);
    }
    return json;
  }

  find(name: string): PublishedTool | undefined {
    return this.#byName.get(name);
  }
}

function byName(a: Tool, b: Tool): number {
  return a.name < b.name ? -1 : 1;
}
