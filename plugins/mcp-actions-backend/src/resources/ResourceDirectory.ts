import type { BackstageCredentials } from '@backstage/backend-plugin-api';
import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import { type ActionCatalogue, type CallerView, UriTemplate, type VisibleAction } from '@callboard/actions';
import type { OfferedAction } from '@callboard/actions-api';
import type { Resource, ResourceTemplateType } from '@modelcontextprotocol/server';
import { KeptLists } from '../lists/KeptLists.js';
import type { CallerContext } from '../protocol/RequestContext.js';

/** What a caller may read: resources at fixed URIs, and templates, each sorted by URI. */
export interface ListedOffers {
  readonly resources: readonly Resource[];
  readonly templates: readonly ResourceTemplateType[];
  /** Ids of the templates. */
  readonly templateIds: readonly string[];
}

/** Looks up a resource of the server itself, for this caller; their URIs begin with `callboard:`. */
export type OwnResources = (uri: string, context: CallerContext) => Promise<VisibleAction | undefined>;

const OWN_SCHEME = 'callboard:';

/** Where things are, in one state of the catalogue. */
interface Places {
  readonly idOf: ReadonlyMap<string, string>;
  /** Those with more fixed characters first. */
  readonly templates: readonly { readonly template: UriTemplate; readonly id: string }[];
}

/**
 * The resources of one MCP server. Everything that does not depend on an author's function is worked
 * out once per state of the catalogue and visible set.
 */
export class ResourceDirectory {
  readonly #catalogue: ActionCatalogue;
  readonly #isPublished: (action: OfferedAction) => boolean;
  readonly #lists = new KeptLists<ListedOffers>();
  readonly #own: OwnResources[] = [];
  #places: { fingerprint: string; places: Places } | undefined;

  constructor(options: {
    catalogue: ActionCatalogue;
    /** The server's filter. */
    isIncluded: (action: ActionsServiceAction) => boolean;
    /** The server's allow-list of URIs and templates. */
    isEnabled: (uri: string) => boolean;
  }) {
    const { isIncluded, isEnabled } = options;
    this.#catalogue = options.catalogue;
    this.#isPublished = action => isIncluded(action) && isEnabled(placeOf(action));
  }

  /** Adds resources of the server itself. They can be read whatever filters say, and are not listed. */
  addOwn(find: OwnResources): void {
    this.#own.push(find);
  }

  /** Whether there is anything for a client to ask for, whoever may see it. */
  get hasAny(): boolean {
    return this.size > 0 || this.#own.length > 0;
  }

  /** How many resources and templates the server publishes, to those who may see them. */
  get size(): number {
    const { idOf, templates } = this.#where;
    return idOf.size + templates.length;
  }

  publishes(action: ActionsServiceAction): boolean {
    return this.#isPublished(action);
  }

  async list(credentials: BackstageCredentials, view: CallerView): Promise<ListedOffers> {
    const visible = await this.#catalogue.list(credentials);
    return this.#lists.get(`${this.#catalogue.knownFingerprint}\n${visible.fingerprint}\n${view.key}`, () => {
      const listed = [...(visible.descriptors as readonly OfferedAction[])]
        .filter(action => this.#isPublished(action) && view.isListed(action))
        .sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
      const templates = listed.filter(({ resource }) => resource?.uriTemplate !== undefined);
      return {
        resources: listed.filter(({ resource }) => resource?.uri !== undefined).map(toResource),
        templates: templates.map(toTemplate),
        templateIds: templates.map(({ id }) => id),
      };
    });
  }

  /**
   * Looks up what is at a URI. A fixed URI goes before templates, of which the one with the most fixed
   * characters is meant. Rules about callers are the invocation path's.
   *
   * @returns undefined if there is nothing, or nothing that this caller may see.
   */
  async find(uri: string, context: CallerContext): Promise<VisibleAction | undefined> {
    if (uri.startsWith(OWN_SCHEME)) {
      for (const find of this.#own) {
        const found = await find(uri, context);
        if (found) {
          return found;
        }
      }
      return undefined;
    }
    const { idOf, templates } = this.#where;
    const id = idOf.get(uri) ?? templates.find(({ template }) => template.match(uri))?.id;
    return id === undefined ? undefined : this.findById(id, context.credentials);
  }

  /** As `find`, by the template itself. */
  async findTemplate(uriTemplate: string, credentials: BackstageCredentials): Promise<VisibleAction | undefined> {
    const id = this.#where.templates.find(({ template }) => template.text === uriTemplate)?.id;
    return id === undefined ? undefined : this.findById(id, credentials);
  }

  async findById(id: string, credentials: BackstageCredentials): Promise<VisibleAction | undefined> {
    const found = await this.#catalogue.find(id, credentials);
    return found && this.#isPublished(found.descriptor) ? found : undefined;
  }

  get #where(): Places {
    const fingerprint = this.#catalogue.knownFingerprint;
    if (this.#places?.fingerprint !== fingerprint) {
      this.#places = { fingerprint, places: toPlaces(this.#catalogue.known.filter(this.#isPublished)) };
    }
    return this.#places.places;
  }
}

function toPlaces(published: readonly OfferedAction[]): Places {
  const templates = published.flatMap(({ id, resource }) => {
    const template = resource?.uriTemplate === undefined ? undefined : UriTemplate.parse(resource.uriTemplate);
    return template instanceof UriTemplate ? [{ template, id }] : [];
  });
  return {
    idOf: new Map(published.flatMap(({ id, resource }) => (resource?.uri === undefined ? [] : [[resource.uri, id]]))),
    templates: templates.sort(
      (a, b) => b.template.fixedCharacters - a.template.fixedCharacters || (a.template.text < b.template.text ? -1 : 1),
    ),
  };
}

function placeOf({ resource }: OfferedAction): string {
  return resource?.uri ?? resource?.uriTemplate ?? '';
}

function toResource({ name, title, description, resource = {} }: OfferedAction): Resource {
  const { uri = '', mimeType, size, annotations } = resource;
  return {
    uri,
    name,
    title,
    description,
    ...(mimeType !== undefined && { mimeType }),
    ...(size !== undefined && { size }),
    ...(annotations && { annotations: annotations as NonNullable<Resource['annotations']> }),
  };
}

function toTemplate({ name, title, description, resource = {} }: OfferedAction): ResourceTemplateType {
  const { uriTemplate = '', mimeType, annotations } = resource;
  return {
    uriTemplate,
    name,
    title,
    description,
    ...(mimeType !== undefined && { mimeType }),
    ...(annotations && { annotations: annotations as NonNullable<ResourceTemplateType['annotations']> }),
  };
}
