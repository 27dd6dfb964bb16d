import { createServiceFactory, createServiceRef } from '@backstage/backend-plugin-api';
import { LocalActions } from '../registry/localActions.js';
import { UriTemplate } from './UriTemplate.js';

/** The resources of all plugins of this process. */
export class LocalResources extends LocalActions {
  readonly #owners = new Map<string, string>();

  /**
   * Gives a URI, or all URIs that a template stands for, to one resource.
   *
   * @returns the id of the resource that has it already, if one does.
   */
  claim(place: string | UriTemplate, id: string): string | undefined {
    const key = place instanceof UriTemplate ? place.shape : place;
    const owner = this.#owners.get(key);
    if (owner === undefined) {
      this.#owners.set(key, id);
    }
    return owner;
  }
}

export const localResourcesServiceRef = createServiceRef<LocalResources>({
  id: 'callboard.localResources',
  scope: 'root',
});

export const localResourcesServiceFactory = createServiceFactory({
  service: localResourcesServiceRef,
  deps: {},
  factory: () => new LocalResources(),
});

/** The prompts of all plugins of this process. */
export const localPromptsServiceRef = createServiceRef<LocalActions>({ id: 'callboard.localPrompts', scope: 'root' });

export const localPromptsServiceFactory = createServiceFactory({
  service: localPromptsServiceRef,
  deps: {},
  factory: () => new LocalActions(),
});

/** Which kind of thing an id is of: `plugin:resource:name`, `plugin:prompt:name` or `plugin:name`. */
export function kindOf(id: string): 'resource' | 'prompt' | 'action' {
  return (id.match(/^[^:]*:(resource|prompt):/)?.[1] as 'resource' | 'prompt' | undefined) ?? 'action';
}
