import type { BackstageCredentials, LoggerService } from '@backstage/backend-plugin-api';
import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import type { ActionCatalogue, CallerView, VisibleAction } from '@callboard/actions';
import type { Tool } from '@modelcontextprotocol/server';
import { KeptLists } from '../lists/KeptLists.js';
import { headerParametersOf } from './headerParameters.js';
import { PublishedNames } from './PublishedNames.js';
import { ToolList } from './ToolList.js';
import { mayBelongTo, type ToolNames, type ToolNaming } from './toolNames.js';
import { canBeTool, toTool } from './toTool.js';

/**
 * The tools of one MCP server: its names, and per caller what is listed and what can be called.
 * Everything is worked out once per state of the catalogue and visible set.
 */
export class ToolDirectory {
  readonly #catalogue: ActionCatalogue;
  readonly #takesSecrets: () => boolean;
  readonly #isIncluded: (action: ActionsServiceAction) => boolean;
  readonly #mayBeIncluded: (action: ActionsServiceAction) => boolean;
  readonly #naming: ToolNaming;
  readonly #ownTools: readonly Tool[];
  readonly #showsActions: boolean;
  readonly #names: PublishedNames;
  readonly #lists = new KeptLists<ToolList>();
  /** Tools of whose arguments clients repeat some in headers, of the names that there were. */
  #withHeaders: { of: ToolNames; names: ReadonlySet<string> } | undefined;

  constructor(options: {
    catalogue: ActionCatalogue;
    /** The server's filter. */
    isIncluded: (action: ActionsServiceAction) => boolean;
    /** Whether people can enter the secrets that actions take; known only when all plugins are up. */
    takesSecrets?: () => boolean;
    /** The server's allow-list of names. */
    isEnabled?: (name: string) => boolean;
    naming: ToolNaming;
    /** Tools that the server has itself, whatever the filters. */
    ownTools?: readonly Tool[];
    /** Whether `tools/list` shows the actions, too. */
    showsActions?: boolean;
    logger: LoggerService;
    /** How messages call the server. */
    label: string;
    /** Where the server is configured. */
    configKey: string;
  }) {
    const { ownTools = [], isEnabled = () => true, takesSecrets = () => false, isIncluded, label } = options;
    this.#catalogue = options.catalogue;
    this.#takesSecrets = takesSecrets;
    this.#isIncluded = action => canBeTool(action, takesSecrets()) && isIncluded(action);
    this.#mayBeIncluded = action => canBeTool(action, true) && isIncluded(action);
    this.#naming = { ...options.naming, reserved: new Set(ownTools.map(({ name }) => name)) };
    this.#ownTools = ownTools;
    this.#showsActions = options.showsActions ?? true;
    this.#names = new PublishedNames({
      ...options,
      naming: this.#naming,
      isEnabled,
      describeCollision: (wanted, given) =>
        this.isOwn(wanted)
          ? `An action of ${label} would be the tool "${wanted}", which is one of the server itself; it is published under a longer name: ${given}`
          : `Several actions of ${label} would be the tool "${wanted}"; they are published under longer names: ${given}`,
    });
  }

  /** What this caller may call. */
  async list(credentials: BackstageCredentials, view: CallerView): Promise<ToolList> {
    const visible = await this.#catalogue.list(credentials);
    const key = `${this.#fingerprint}\n${visible.fingerprint}\n${view.key}`;
    return this.#lists.get(key, () => {
      const { nameOf } = this.names;
      return new ToolList({
        ownTools: this.#ownTools,
        showsActions: this.#showsActions,
        published: visible.descriptors.flatMap(action => {
          const name = nameOf.get(action.id);
          return name !== undefined && this.#isIncluded(action) && view.isListed(action)
            ? [{ action, tool: toTool(action, name) }]
            : [];
        }),
      });
    });
  }

  /**
   * Looks one tool up, asking only the source that it can come from. Rules about callers are the
   * invocation path's.
   *
   * @returns undefined if there is no such tool or this caller may not see it.
   */
  async find(name: string, credentials: BackstageCredentials): Promise<VisibleAction | undefined> {
    let id = this.names.idOf.get(name);
    if (id === undefined) {
      await this.#discover(name, credentials);
      id = this.names.idOf.get(name);
    }
    return id === undefined ? undefined : this.findById(id, credentials);
  }

  /** As `find`, by the id of the action. */
  async findById(id: string, credentials: BackstageCredentials): Promise<VisibleAction | undefined> {
    const action = await this.#catalogue.find(id, credentials);
    return action && this.publishes(action.descriptor) ? action : undefined;
  }

  /** Whether the server publishes an action, to those who may see it. */
  publishes(action: ActionsServiceAction): boolean {
    return this.#isIncluded(action) && this.names.nameOf.has(action.id);
  }

  /** Whether a name is that of a tool which the server has itself. */
  isOwn(name: string): boolean {
    return this.#naming.reserved?.has(name) ?? false;
  }

  /**
   * Told of every action of this backend before it is published.
   *
   * @throws Error if it is to have the exact name of another one, which must keep the backend from starting.
   */
  claim(action: ActionsServiceAction): void {
    if (this.#mayBeIncluded(action)) {
      this.#names.claim(action);
    }
  }

  /** The names of what is published of everything known, worked out anew when something has become known. */
  get names(): ToolNames {
    return this.#names.of(this.#fingerprint, () => this.#catalogue.known.filter(this.#isIncluded));
  }

  /** Whether clients repeat arguments of the tool in headers, as far as is known. */
  hasHeaders(name: string): boolean {
    const { names } = this;
    if (this.#withHeaders?.of !== names) {
      const marked = this.#catalogue.known.filter(action => headerParametersOf(action).length > 0);
      this.#withHeaders = { of: names, names: new Set(marked.map(({ id }) => names.nameOf.get(id) ?? '')) };
    }
    return this.#withHeaders.names.has(name);
  }

  get #fingerprint(): string {
    return `${this.#catalogue.knownFingerprint} ${this.#takesSecrets()}`;
  }

  async #discover(name: string, credentials: BackstageCredentials): Promise<void> {
    const candidates = this.#catalogue.remoteSourceIds.filter(pluginId => mayBelongTo(name, pluginId, this.#naming));
    await Promise.all(candidates.map(pluginId => this.#catalogue.discover(pluginId, credentials)));
  }
}
