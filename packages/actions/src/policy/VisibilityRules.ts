import { createServiceFactory, createServiceRef, type ServiceRef } from '@backstage/backend-plugin-api';
import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import { type VisibilityRule, type VisibilityRulesService, visibilityRulesServiceRef } from '@callboard/actions-api';
import { type CatalogueEvents, catalogueEventsServiceRef } from '../catalogue/CatalogueEvents.js';

/** The rules of all plugins that hold actions back from everybody. */
export class VisibilityRules implements VisibilityRulesService {
  readonly #rules: VisibilityRule[] = [];
  readonly #events: Pick<CatalogueEvents, 'emit'> | undefined;

  constructor(options: { events?: Pick<CatalogueEvents, 'emit'> } = {}) {
    this.#events = options.events;
  }

  add(rule: VisibilityRule): void {
    if (this.#rules.some(({ id }) => id === rule.id)) {
      throw new Error(`There is a visibility rule "${rule.id}" already`);
    }
    this.#rules.push(rule);
  }

  /** Rules hold back what is of any kind. */
  changed(): void {
    for (const kind of ['tools', 'resources', 'prompts'] as const) {
      this.#events?.emit({ kind });
    }
  }

  get all(): readonly VisibilityRule[] {
    return this.#rules;
  }

  /** Changes whenever `findHolding` would answer otherwise for any action. */
  get version(): string {
    return this.#rules.map(({ id, version }) => `${id}@${version}`).join(' ');
  }

  /** The rule that holds an action back, if one does. */
  findHolding(action: ActionsServiceAction): VisibilityRule | undefined {
    return this.#rules.find(rule => !rule.allows(action));
  }
}

/** The same service as `visibilityRulesServiceRef`, as lists and the invocation path use it. */
export const visibilityRulesImplementationRef = createServiceRef<VisibilityRules>({
  id: visibilityRulesServiceRef.id,
  scope: 'root',
}) as ServiceRef<VisibilityRules, 'root', 'singleton'>;

export const visibilityRulesServiceFactory = createServiceFactory({
  service: visibilityRulesImplementationRef,
  deps: { events: catalogueEventsServiceRef },
  factory: ({ events }) => new VisibilityRules({ events }),
});
