import { toError } from '@backstage/errors';
import type { ListedResource } from '@callboard/actions-api';
import {
  type ListResourcesResult,
  type ListResourceTemplatesResult,
  ProtocolError,
  type Resource,
} from '@modelcontextprotocol/server';
import { observe } from '../lists/observe.js';
import { paginate } from '../lists/paginate.js';
import { lookFor } from '../protocol/lookFor.js';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import type { RequestContext } from '../protocol/RequestContext.js';
import { resourceNotFound } from './readResource.js';

/** Answers `resources/list`: what the caller may read, with what templates stand for at the moment. */
export function listResources(
  server: PublishedServer,
  { cursor }: { cursor?: string },
  context: RequestContext,
  signal: AbortSignal,
): Promise<ListResourcesResult> {
  return observe(server, context, { method: 'resources/list', eventId: 'resource-discovery' }, async () => {
    const { resources, templateIds } = await server.resources.list(context.credentials, server.viewOf(context));
    const instances = await Promise.all(templateIds.map(id => listInstances(server, id, context, signal)));
    const all = instances.some(({ length }) => length > 0) ? merge(resources, instances.flat()) : resources;
    const { page, nextCursor } = paginate(all, { cursor, pageSize: server.config.pageSize, keyOf: ({ uri }) => uri });
    return { result: { resources: page, ...(nextCursor && { nextCursor }) }, meta: { resourceCount: page.length } };
  });
}

/** Answers `resources/templates/list`. */
export function listResourceTemplates(
  server: PublishedServer,
  { cursor }: { cursor?: string },
  context: RequestContext,
): Promise<ListResourceTemplatesResult> {
  return observe(server, context, { method: 'resources/templates/list', eventId: 'resource-discovery' }, async () => {
    const { templates } = await server.resources.list(context.credentials, server.viewOf(context));
    const { page, nextCursor } = paginate(templates, {
      cursor,
      pageSize: server.config.pageSize,
      keyOf: ({ uriTemplate }) => uriTemplate,
    });
    return {
      result: { resourceTemplates: page, ...(nextCursor && { nextCursor }) },
      meta: { resourceTemplateCount: page.length },
    };
  });
}

/** What one template stands for; nothing if it cannot say, which costs no other. */
async function listInstances(
  server: PublishedServer,
  id: string,
  context: RequestContext,
  signal: AbortSignal,
): Promise<readonly Resource[]> {
  try {
    const found = await lookFor(server, context, {
      name: id,
      signal,
      find: () => server.resources.findById(id, context.credentials),
      toUnknown: () => resourceNotFound(id),
    });
    return ((await found.listInstances?.(signal)) ?? []).map(toResource);
  } catch (error) {
    signal.throwIfAborted();
    // Who may not read them at the moment, such as during a pause, is not told which there are.
    if (!(error instanceof ProtocolError)) {
      server.services.logger.error(`The resources of "${id}" cannot be listed`, toError(error));
    }
    return [];
  }
}

/** Sorted, each URI once; those with an entry of their own come first. */
function merge(resources: readonly Resource[], instances: readonly Resource[]): Resource[] {
  const byUri = new Map<string, Resource>();
  for (const resource of [...resources, ...instances]) {
    if (!byUri.has(resource.uri)) {
      byUri.set(resource.uri, resource);
    }
  }
  return [...byUri.values()].sort((a, b) => (a.uri < b.uri ? -1 : 1));
}

function toResource({ annotations, ...resource }: ListedResource): Resource {
  return { ...resource, ...(annotations && { annotations: annotations as NonNullable<Resource['annotations']> }) };
}
