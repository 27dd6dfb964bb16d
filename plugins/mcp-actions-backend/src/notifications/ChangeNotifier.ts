import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import type { ActionCatalogue, CatalogueChange, CatalogueEvents } from '@callboard/actions';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import type { ChangeAudience, ListKind } from './changes.js';

/** What changes within this time is told at once. */
const COALESCE_MS = 100;
/** More changed resources than this are told before that. */
const MAX_GATHERED = 10_000;

/** What a server offers as tools, as far as it does not depend on who asks. */
interface Offer {
  readonly actions: readonly ActionsServiceAction[];
  readonly rules: string;
}

/**
 * Tells clients of both eras what has changed in the catalogue. A burst becomes one notification, and
 * clients of a server whose tools are as they were are not told that those of another have changed.
 */
export class ChangeNotifier {
  readonly #events: CatalogueEvents;
  readonly #catalogue: Pick<ActionCatalogue, 'known'>;
  readonly #servers: readonly PublishedServer[];
  readonly #audiences: readonly ChangeAudience[];
  readonly #onError: (error: Error) => void;
  readonly #lists = new Set<ListKind>();
  readonly #resources = new Set<string>();
  readonly #offers = new Map<PublishedServer, Offer>();
  #unsubscribe = () => {};
  #timer: NodeJS.Timeout | undefined;

  constructor(options: {
    events: CatalogueEvents;
    catalogue: Pick<ActionCatalogue, 'known'>;
    servers: readonly PublishedServer[];
    audiences: readonly ChangeAudience[];
    onError: (error: Error) => void;
  }) {
    this.#events = options.events;
    this.#catalogue = options.catalogue;
    this.#servers = options.servers;
    this.#audiences = options.audiences;
    this.#onError = options.onError;
  }

  start(): void {
    this.#findChangedTools();
    this.#unsubscribe = this.#events.subscribe(change => this.#gather(change));
  }

  close(): void {
    this.#unsubscribe();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #gather(change: CatalogueChange): void {
    if (change.kind === 'resource') {
      this.#resources.add(change.uri);
    } else {
      this.#lists.add(change.kind);
    }
    if (this.#resources.size >= MAX_GATHERED) {
      this.#tell();
    } else {
      this.#timer ??= setTimeout(() => this.#tell(), COALESCE_MS).unref();
    }
  }

  #tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const withChangedTools = this.#lists.delete('tools') ? this.#findChangedTools() : new Set();
    const others = [...this.#lists];
    const resources = [...this.#resources];
    this.#lists.clear();
    this.#resources.clear();
    const listsOf = (server: PublishedServer): readonly ListKind[] =>
      withChangedTools.has(server) ? ['tools', ...others] : others;
    for (const audience of this.#audiences) {
      audience.tell({ listsOf, resources }).catch(this.#onError);
    }
  }

  #findChangedTools(): ReadonlySet<PublishedServer> {
    const { known } = this.#catalogue;
    return new Set(this.#servers.filter(server => this.#haveToolsChanged(server, known)));
  }

  #haveToolsChanged(server: PublishedServer, known: readonly ActionsServiceAction[]): boolean {
    const before = this.#offers.get(server);
    const now: Offer = {
      actions: known.filter(action => server.tools.publishes(action)),
      rules: server.services.policy.visibilityRules.version,
    };
    this.#offers.set(server, now);
    // The tools to search with are always the same.
    return server.config.discovery !== 'search' && !(before && isSame(before, now));
  }
}

function isSame(before: Offer, now: Offer): boolean {
  return (
    before.rules === now.rules &&
    before.actions.length === now.actions.length &&
    before.actions.every((action, index) => action === now.actions[index])
  );
}
