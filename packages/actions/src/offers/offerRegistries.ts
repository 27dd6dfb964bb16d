import {
  type AuthService,
  coreServices,
  createServiceFactory,
  type LoggerService,
  type PermissionsRegistryService,
  type PermissionsService,
  type RootConfigService,
} from '@backstage/backend-plugin-api';
import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import {
  type PromptsRegistryService,
  promptsRegistryServiceRef,
  type RegisteredResource,
  type ResourcesRegistryService,
  resourcesRegistryServiceRef,
} from '@callboard/actions-api';
import { compileActionFilter } from '../catalogue/ActionFilter.js';
import { type CatalogueEvents, catalogueEventsServiceRef } from '../catalogue/CatalogueEvents.js';
import { readActionsConfig } from '../config.js';
import { type InvocationPolicy, invocationPolicyServiceRef } from '../invocation/invocationPolicy.js';
import type { LocalActions } from '../registry/localActions.js';
import { PluginActions } from '../registry/PluginActions.js';
import { printableName } from '../registry/prepareAction.js';
import { localPromptsServiceRef, localResourcesServiceRef } from './localOffers.js';
import { type GivenPrompt, preparePrompt } from './preparePrompt.js';
import { type GivenResource, prepareResource, type RegisteredOffer } from './prepareResource.js';
import type { UriTemplate } from './UriTemplate.js';

const sharedDeps = {
  metadata: coreServices.pluginMetadata,
  config: coreServices.rootConfig,
  auth: coreServices.auth,
  events: catalogueEventsServiceRef,
  logger: coreServices.logger,
  permissions: coreServices.permissions,
  permissionsRegistry: coreServices.permissionsRegistry,
  policy: invocationPolicyServiceRef,
};

/** Keeps what one plugin registers, under the rules for its actions, and tells of what is new. */
class PluginOffers {
  readonly pluginId: string;
  readonly events: CatalogueEvents;
  readonly logger: LoggerService;
  readonly #kind: 'resource' | 'prompt';
  readonly #offers: PluginActions;
  readonly #permissionsRegistry: PermissionsRegistryService;
  readonly #policy: InvocationPolicy;
  readonly #isLetOut: (offer: ActionsServiceAction) => boolean;

  constructor(options: {
    kind: 'resource' | 'prompt';
    metadata: { getId(): string };
    config: RootConfigService;
    auth: AuthService;
    events: CatalogueEvents;
    logger: LoggerService;
    permissions: PermissionsService;
    permissionsRegistry: PermissionsRegistryService;
    policy: InvocationPolicy;
    local: LocalActions;
  }) {
    const { kind, auth, permissions, logger, local } = options;
    const pluginId = options.metadata.getId();
    const { pluginSources, filter } = readActionsConfig(options.config);
    const isIncluded = compileActionFilter(filter);
    this.pluginId = pluginId;
    this.events = options.events;
    this.logger = logger;
    this.#kind = kind;
    this.#permissionsRegistry = options.permissionsRegistry;
    this.#policy = options.policy;
    this.#isLetOut = offer => (pluginSources?.includes(pluginId) ?? true) && isIncluded(offer);
    this.#offers = new PluginActions({
      pluginId,
      auth,
      permissions,
      logger,
      label: kind === 'resource' ? 'Resource' : 'Prompt',
      isPublished: this.#isLetOut,
      check: offer => local.check(offer),
    });
    local.add(this.#offers);
  }

  refuse(name: unknown, reason: string): void {
    this.#offers.refuse(`${this.pluginId}:${this.#kind}:${printableName(name)}`, reason);
  }

  /** @throws Error if the name is taken. */
  add(offer: RegisteredOffer): void {
    if (offer.visibilityPermission) {
      // First: what cannot be added any more, as after the start, must keep the offer from being published.
      this.#permissionsRegistry.addPermissions([offer.visibilityPermission]);
    }
    this.#offers.add(offer);
    if (this.isPublished(offer.descriptor.id)) {
      // Rules that hold back what is new learn of it by being asked.
      this.#policy.visibilityRules.findHolding(offer.descriptor);
      this.events.emit({ kind: this.#kind === 'resource' ? 'resources' : 'prompts' });
    }
  }

  /** @throws Error if the name is taken. */
  assertFree(id: string): void {
    this.#offers.assertFree(id);
  }

  /** Whether configuration lets it out. */
  isLetOut(offer: ActionsServiceAction): boolean {
    return this.#isLetOut(offer);
  }

  isPublished(id: string): boolean {
    return this.#offers.known.some(known => known.id === id);
  }
}

export const resourcesRegistryServiceFactory = createServiceFactory({
  service: resourcesRegistryServiceRef,
  deps: { ...sharedDeps, local: localResourcesServiceRef },
  factory({ local, ...services }): ResourcesRegistryService {
    const offers = new PluginOffers({ ...services, kind: 'resource', local });
    return {
      register(options) {
        const given = options as GivenResource;
        const prepared = prepareResource(offers.pluginId, given);
        if ('problems' in prepared) {
          offers.refuse(given?.name, prepared.problems.join('; '));
          return UNPUBLISHED;
        }
        const { offer, template } = prepared;
        const { id, resource } = offer.descriptor;
        offers.assertFree(id);
        // What nobody can read must not keep a place from what somebody could.
        const owner = offers.isLetOut(offer.descriptor)
          ? local.claim(template ?? (resource?.uri as string), id)
          : undefined;
        if (owner !== undefined) {
          offers.refuse(given.name, `${resource?.uri ?? resource?.uriTemplate} is that of "${owner}" already`);
          return UNPUBLISHED;
        }
        offers.add(offer);
        return offers.isPublished(id)
          ? new PublishedResource({ offers, id, uri: resource?.uri, template })
          : UNPUBLISHED;
      },
    };
  },
});

export const promptsRegistryServiceFactory = createServiceFactory({
  service: promptsRegistryServiceRef,
  deps: { ...sharedDeps, local: localPromptsServiceRef },
  factory(services): PromptsRegistryService {
    const offers = new PluginOffers({ ...services, kind: 'prompt' });
    return {
      register(options) {
        const given = options as unknown as GivenPrompt;
        const prepared = preparePrompt(offers.pluginId, given);
        if ('problems' in prepared) {
          offers.refuse(given?.name, prepared.problems.join('; '));
        } else {
          offers.add(prepared.offer);
        }
      },
    };
  },
});

const UNPUBLISHED: RegisteredResource = { updated: () => {}, listChanged: () => {} };

class PublishedResource implements RegisteredResource {
  readonly #offers: PluginOffers;
  readonly #id: string;
  readonly #uri: string | undefined;
  readonly #template: UriTemplate | undefined;

  constructor(options: {
    offers: PluginOffers;
    id: string;
    uri: string | undefined;
    template: UriTemplate | undefined;
  }) {
    this.#offers = options.offers;
    this.#id = options.id;
    this.#uri = options.uri;
    this.#template = options.template;
  }

  updated(uri = this.#uri): void {
    const isOwn = uri !== undefined && (this.#template ? this.#template.match(uri) !== undefined : uri === this.#uri);
    if (isOwn) {
      this.#offers.events.announce({ kind: 'resource', pluginId: this.#offers.pluginId, uri });
    } else {
      // Whatever has changed has changed; a mistake in telling of it is no reason to fail.
      this.#offers.logger.warn(
        `Resource "${this.#id}" says that ${JSON.stringify(uri)} has changed, expected ${this.#template ? `a URI of ${this.#template.text}` : this.#uri}`,
      );
    }
  }

  listChanged(): void {
    this.#offers.events.announce({ kind: 'resources' });
  }
}
