import { createServiceFactory, createServiceRef } from '@backstage/backend-plugin-api';
import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import type { PluginActions } from './PluginActions.js';

/** What a plugin of this process contributes. */
export interface Contribution {
  pluginId: string;
  /** Ids of the actions that configuration lets out. */
  actionIds: string[];
  /** Actions that could not be published, and why. */
  refused: { id: string; reason: string }[];
}

/** The registries of all plugins of this process, so that calls between them stay in it. */
export class LocalActions {
  readonly #plugins = new Map<string, PluginActions>();
  readonly #checks: ((action: ActionsServiceAction) => void)[] = [];

  add(plugin: PluginActions): void {
    this.#plugins.set(plugin.pluginId, plugin);
  }

  get(pluginId: string): PluginActions | undefined {
    return this.#plugins.get(pluginId);
  }

  /**
   * Has each action checked that is let out, those to come before they are. What `check` throws, the
   * registration throws, and so the start of the plugin that registers.
   *
   * @throws what `check` throws for one that is there already.
   */
  addCheck(check: (action: ActionsServiceAction) => void): void {
    // Plugins start side by side: by id, so that what is found does not depend on which was first.
    const plugins = [...this.#plugins.values()].sort((a, b) => (a.pluginId < b.pluginId ? -1 : 1));
    for (const { known } of plugins) {
      known.forEach(check);
    }
    this.#checks.push(check);
  }

  /** @throws what one of the checks throws. */
  check(action: ActionsServiceAction): void {
    for (const check of this.#checks) {
      check(action);
    }
  }

  /** Plugins that registered an action or tried to, by id. */
  list(): Contribution[] {
    return [...this.#plugins.values()]
      .map(({ pluginId, known, refused }) => ({ pluginId, actionIds: known.map(({ id }) => id), refused }))
      .filter(({ actionIds, refused }) => actionIds.length + refused.length > 0)
      .sort((a, b) => (a.pluginId < b.pluginId ? -1 : 1));
  }
}

export const localActionsServiceRef = createServiceRef<LocalActions>({ id: 'callboard.localActions', scope: 'root' });

export const localActionsServiceFactory = createServiceFactory({
  service: localActionsServiceRef,
  deps: {},
  factory: () => new LocalActions(),
});
