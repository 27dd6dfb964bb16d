import type { BackstageCredentials, LoggerService } from '@backstage/backend-plugin-api';
import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import type { ActionCatalogue, CallerView, VisibleAction } from '@callboard/actions';
import type { OfferedAction } from '@callboard/actions-api';
import type { Prompt } from '@modelcontextprotocol/server';
import { KeptLists } from '../lists/KeptLists.js';
import { PublishedNames } from '../tools/PublishedNames.js';
import type { Nameable, ToolNames, ToolNaming } from '../tools/toolNames.js';

/**
 * The prompts of one MCP server, named as its tools are. Everything is worked out once per state of
 * the catalogue and visible set.
 */
export class PromptDirectory {
  readonly #catalogue: ActionCatalogue;
  readonly #isIncluded: (action: ActionsServiceAction) => boolean;
  readonly #names: PublishedNames;
  readonly #lists = new KeptLists<readonly Prompt[]>();

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
    this.#names = new PublishedNames({
      ...options,
      describeCollision: (wanted, given) =>
        `Several prompts of ${options.label} would be "${wanted}"; they are published under longer names: ${given}`,
    });
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
    if (this.#isIncluded(action)) {
      this.#names.claim(toNameable(action));
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

  get #published(): ToolNames {
    return this.#names.of(this.#catalogue.knownFingerprint, () =>
      this.#catalogue.known.filter(this.#isIncluded).map(toNameable),
    );
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
