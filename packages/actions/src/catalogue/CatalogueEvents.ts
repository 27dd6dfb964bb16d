import { createServiceFactory, createServiceRef } from '@backstage/backend-plugin-api';

/** What has changed in what this backend offers, whoever may see it. */
export type CatalogueChange =
  | { readonly kind: 'tools' | 'resources' | 'prompts' }
  /** The contents of one resource. */
  | { readonly kind: 'resource'; readonly pluginId: string; readonly uri: string };

/** Carries changes of the catalogue to those who tell clients of them. */
export class CatalogueEvents {
  readonly #listeners = new Set<(change: CatalogueChange) => void>();

  /** @returns what ends the subscription. */
  subscribe(listener: (change: CatalogueChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  emit(change: CatalogueChange): void {
    for (const listener of this.#listeners) {
      listener(change);
    }
  }
}

export const catalogueEventsServiceRef = createServiceRef<CatalogueEvents>({
  id: 'callboard.catalogueEvents',
  scope: 'root',
});

export const catalogueEventsServiceFactory = createServiceFactory({
  service: catalogueEventsServiceRef,
  deps: {},
  factory: () => new CatalogueEvents(),
});
