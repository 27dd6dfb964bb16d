import type { BackstageCredentials, LoggerService } from '@backstage/backend-plugin-api';
import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import type { ActionCatalogue, CallerView, VisibleAction } from '@callboard/actions';
import type { Tool } from '@modelcontextprotocol/server';
import { assignToolNames, mayBelongTo, type ToolNames, type ToolNaming } from './toolNames.js';
import { canBeTool, toTool } from './toTool.js';

/** Lists of tools kept for as many different visible sets. */
const MAX_LISTS = 256;

/**
 * The tools of one MCP server: its names, and per caller what is listed and what can be called.
 * Everything is worked out once per state of the catalogue and visible set.
 */
export class ToolDirectory {
  readonly #catalogue: ActionCatalogue;
  readonly #isPublished: (action: ActionsServiceAction) => boolean;
  readonly #naming: ToolNaming;
  readonly #logger: LoggerService;
  readonly #label: string;
  readonly #lists = new Map<string, Tool[]>();
  #names: { fingerprint: string; names: ToolNames } | undefined;
  #reported = new Set<string>();

  constructor(options: {
    catalogue: ActionCatalogue;
    /** The server's filter. */
    isIncluded: (action: ActionsServiceAction) => boolean;
    naming: ToolNaming;
    logger: LoggerService;
    /** How messages call the server. */
    label: string;
  }) {
    this.#catalogue = options.catalogue;
    this.#isPublished = action => canBeTool(action) && options.isIncluded(action);
    this.#naming = options.naming;
    this.#logger = options.logger;
    this.#label = options.label;
  }

  /** What this caller may call, sorted by name. */
  async list(credentials: BackstageCredentials, view: CallerView): Promise<Tool[]> {
    const visible = await this.#catalogue.list(credentials);
    const key = `${this.#catalogue.knownFingerprint}\n${visible.fingerprint}\n${view.key}`;
    let tools = this.#lists.get(key);
    if (!tools) {
      const { nameOf } = this.names;
      tools = visible.descriptors
        .filter(action => this.#isPublished(action) && view.isListed(action))
        .map(action => toTool(action, nameOf.get(action.id) as string))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
      this.#lists.set(key, tools);
      if (this.#lists.size > MAX_LISTS) {
        const [oldest] = this.#lists.keys();
        this.#lists.delete(oldest as string);
      }
    }
    return tools;
  }

  /**
   * Looks one tool up, asking only the source that it can come from. Rules about callers are the
   * invocation path's.
   *
   * @returns undefined if there is no such tool or this caller may not see it.
   */
  async find(name: string, credentials: BackstageCredentials): Promise<VisibleAction | undefined> {
    if (!this.names.idOf.has(name)) {
      await this.#discover(name, credentials);
    }
    const id = this.names.idOf.get(name);
    const action = id === undefined ? undefined : await this.#catalogue.find(id, credentials);
    return action && this.#isPublished(action.descriptor) ? action : undefined;
  }

  /** Whether the server publishes an action, to those who may see it. */
  publishes(action: ActionsServiceAction): boolean {
    return this.#isPublished(action);
  }

  /** The names over everything known, worked out anew when something has become known. */
  get names(): ToolNames {
    const fingerprint = this.#catalogue.knownFingerprint;
    if (this.#names?.fingerprint !== fingerprint) {
      const names = assignToolNames(this.#catalogue.known.filter(this.#isPublished), this.#naming);
      this.#names = { fingerprint, names };
      this.#reportCollisions(names);
    }
    return (this.#names as { names: ToolNames }).names;
  }

  async #discover(name: string, credentials: BackstageCredentials): Promise<void> {
    const candidates = this.#catalogue.remoteSourceIds.filter(pluginId => mayBelongTo(name, pluginId, this.#naming));
    await Promise.all(candidates.map(pluginId => this.#catalogue.discover(pluginId, credentials)));
  }

  #reportCollisions({ collisions }: ToolNames): void {
    for (const { wanted, given } of collisions) {
      const list = given.map(({ id, name }) => `${id} as "${name}"`).join(', ');
      if (!this.#reported.has(list)) {
        this.#reported.add(list);
        this.#logger.error(
          `Several actions of ${this.#label} would be the tool "${wanted}"; they are published under longer names: ${list}`,
        );
      }
    }
  }
}
