import type { BackstageCredentials, LoggerService } from '@backstage/backend-plugin-api';
import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import type { ActionCatalogue, CallerView, VisibleAction } from '@callboard/actions';
import type { Tool } from '@modelcontextprotocol/server';
import { KeptLists } from '../lists/KeptLists.js';
import { headerParametersOf } from './headerParameters.js';
import { NameClaims } from './NameClaims.js';
import { ToolList } from './ToolList.js';
import { assignToolNames, mayBelongTo, type ToolNames, type ToolNaming, wantedName } from './toolNames.js';
import { canBeTool, toTool } from './toTool.js';

interface Names {
  readonly fingerprint: string;
  readonly names: ToolNames;
  /** Tools of whose arguments clients repeat some in headers. */
  readonly withHeaders: ReadonlySet<string>;
}

/**
 * The tools of one MCP server: its names, and per caller what is listed and what can be called.
 * Everything is worked out once per state of the catalogue and visible set.
 */
export class ToolDirectory {
  readonly #catalogue: ActionCatalogue;
  readonly #takesSecrets: () => boolean;
  readonly #isIncluded: (action: ActionsServiceAction) => boolean;
  readonly #mayBeIncluded: (action: ActionsServiceAction) => boolean;
  readonly #isEnabled: (name: string) => boolean;
  readonly #naming: ToolNaming;
  readonly #ownTools: readonly Tool[];
  readonly #showsActions: boolean;
  readonly #logger: LoggerService;
  readonly #label: string;
  readonly #claims: NameClaims;
  readonly #lists = new KeptLists<ToolList>();
  #names: Names | undefined;
  #reported = new Set<string>();

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
    const { ownTools = [], isEnabled = () => true, takesSecrets = () => false, isIncluded } = options;
    this.#catalogue = options.catalogue;
    this.#takesSecrets = takesSecrets;
    this.#isIncluded = action => canBeTool(action, takesSecrets()) && isIncluded(action);
    this.#mayBeIncluded = action => canBeTool(action, true) && isIncluded(action);
    this.#isEnabled = isEnabled;
    this.#naming = { ...options.naming, reserved: new Set(ownTools.map(({ name }) => name)) };
    this.#ownTools = ownTools;
    this.#showsActions = options.showsActions ?? true;
    this.#logger = options.logger;
    this.#label = options.label;
    this.#claims = new NameClaims({ naming: this.#naming, configKey: options.configKey });
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
    if (!this.names.idOf.has(name)) {
      await this.#discover(name, credentials);
    }
    const id = this.names.idOf.get(name);
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
    if (this.#naming.exact && this.#mayBeIncluded(action) && this.#isEnabled(wantedName(action, this.#naming))) {
      this.#claims.claim(action);
    }
  }

  /** The names of what is published of everything known, worked out anew when something has become known. */
  get names(): ToolNames {
    return this.#current.names;
  }

  /** Whether clients repeat arguments of the tool in headers, as far as is known. */
  hasHeaders(name: string): boolean {
    return this.#current.withHeaders.has(name);
  }

  get #current(): Names {
    const fingerprint = this.#fingerprint;
    if (this.#names?.fingerprint !== fingerprint) {
      const known = this.#catalogue.known.filter(this.#isIncluded);
      const all = assignToolNames(known, this.#naming);
      const enabled = [...all.idOf].filter(([name]) => this.#isEnabled(name));
      const names = {
        idOf: new Map(enabled),
        nameOf: new Map(enabled.map(([name, id]) => [id, name])),
        collisions: all.collisions,
      };
      const withHeaders = known.filter(action => headerParametersOf(action).length > 0);
      this.#names = {
        fingerprint,
        names,
        withHeaders: new Set(withHeaders.map(({ id }) => names.nameOf.get(id) ?? '')),
      };
      this.#reportCollisions(names);
    }
    return this.#names as Names;
  }

  get #fingerprint(): string {
    return `${this.#catalogue.knownFingerprint} ${this.#takesSecrets()}`;
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
          this.isOwn(wanted)
            ? `An action of ${this.#label} would be the tool "${wanted}", which is one of the server itself; it is published under a longer name: ${list}`
            : `Several actions of ${this.#label} would be the tool "${wanted}"; they are published under longer names: ${list}`,
        );
      }
    }
  }
}
