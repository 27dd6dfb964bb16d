import type { BackstageCredentials, LoggerService } from '@backstage/backend-plugin-api';
import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import type { ActionCatalogue, CallerView, VisibleAction } from '@callboard/actions';
import type { OfferedAction } from '@callboard/actions-api';
import type { Prompt } from '@modelcontextprotocol/server';
import { KeptLists } from '../lists/KeptLists.js';
import { NameClaims } from '../tools/NameClaims.js';
import { assignToolNames, type Nameable, type ToolNaming, wantedName } from '../tools/toolNames.js';

interface PromptNames {
  readonly idOf: ReadonlyMap<string, string>;
  readonly nameOf: ReadonlyMap<string, string>;
}

/**
 * The prompts of one MCP server, named as its tools are. Everything is worked out once per state of
 * the catalogue and visible set.
 */
export class PromptDirectory {
  readonly #catalogue: ActionCatalogue;
  readonly #isIncluded: (action: ActionsServiceAction) => boolean;
  readonly #isEnabled: (name: string) => boolean;
  readonly #naming: ToolNaming;
  readonly #claims: NameClaims;
  readonly #logger: LoggerService;
  readonly #label: string;
  readonly #lists = new KeptLists<readonly Prompt[]>();
  #names: { fingerprint: string; names: PromptNames } | undefined;
  readonly #reported = new Set<string>();

  constructor(options: {
    catalogue: ActionCatalogue;
    /** The server's filter. */
    isIncluded: (action: ActionsServiceAction) => boolean;
    /** The server's allow-list of names. */
    isEnabled: (name: string) => boolean;
    naming: ToolNaming;
    logger: LoggerService;
    /** How messages call the server. */
    label: string;
    /** Where the server is configured. */
    configKey: string;
  }) {
    this.#catalogue = options.catalogue;
    this.#isIncluded = options.isIncluded;
    this.#isEnabled = options.isEnabled;
    this.#naming = options.naming;
    this.#claims = new NameClaims({ naming: options.naming, configKey: options.configKey });
    this.#logger = options.logger;
    this.#label = options.label;
  }

  /** How many prompts the server publishes, to those who may see them. */
  get size(): number {
    return this.#published.idOf.size;
  }

  publishes(action: ActionsServiceAction): boolean {
    return this.#isIncluded(action) && this.#published.nameOf.has(action.id);
  }

  /**
   * Told of every prompt of this backend before it is published.
   *
   * @throws Error if it is to have the exact name of another one, which must keep the backend from starting.
   */
  claim(action: ActionsServiceAction): void {
    const named = toNameable(action);
    if (this.#naming.exact && this.#isIncluded(action) && this.#isEnabled(wantedName(named, this.#naming))) {
      this.#claims.claim(named);
    }
  }

  /** What this caller may get, sorted by name. */
  async list(credentials: BackstageCredentials, view: CallerView): Promise<readonly Prompt[]> {
    const visible = await this.#catalogue.list(credentials);
    return this.#lists.get(`${this.#catalogue.knownFingerprint}\n${visible.fingerprint}\n${view.key}`, () =>
      visible.descriptors
        .filter(action => this.publishes(action) && view.isListed(action))
        .map(action => toPrompt(action, this.#published.nameOf.get(action.id) as string))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    );
  }

  /** @returns undefined if there is no such prompt, or this caller may not see it. */
  async find(name: string, credentials: BackstageCredentials): Promise<VisibleAction | undefined> {
    const id = this.#published.idOf.get(name);
    const found = id === undefined ? undefined : await this.#catalogue.find(id, credentials);
    return found && this.publishes(found.descriptor) ? found : undefined;
  }

  get #published(): PromptNames {
    const fingerprint = this.#catalogue.knownFingerprint;
    if (this.#names?.fingerprint !== fingerprint) {
      const { nameOf, collisions } = assignToolNames(
        this.#catalogue.known.filter(this.#isIncluded).map(toNameable),
        this.#naming,
      );
      const enabled = [...nameOf].filter(([, name]) => this.#isEnabled(name));
      this.#names = {
        fingerprint,
        names: { nameOf: new Map(enabled), idOf: new Map(enabled.map(([id, name]) => [name, id])) },
      };
      for (const { wanted, given } of collisions) {
        this.#reportCollision(wanted, given.map(({ id, name }) => `${id} as "${name}"`).join(', '));
      }
    }
    return this.#names.names;
  }

  #reportCollision(wanted: string, given: string): void {
    if (!this.#reported.has(given)) {
      this.#reported.add(given);
      this.#logger.error(
        `Several prompts of ${this.#label} would be "${wanted}"; they are published under longer names: ${given}`,
      );
    }
  }
}

function toNameable({ id, pluginId, name, ...rest }: ActionsServiceAction): Nameable {
  const toolName = (rest as OfferedAction).prompt?.exactName;
  return { id, pluginId, name, ...(toolName !== undefined && { toolName }) };
}

function toPrompt(action: OfferedAction, name: string): Prompt {
  const { title, description, prompt } = action;
  return {
    name,
    title,
    description,
    ...(prompt && prompt.arguments.length > 0 && { arguments: prompt.arguments.map(argument => ({ ...argument })) }),
  };
}
