import { NotFoundError } from '@backstage/errors';
import type { BasicPermission } from '@backstage/plugin-permission-common';
import type {
  ListedResource,
  OfferedAction,
  ReadResource,
  ResourceContext,
  StaticResourceOptions,
  TemplateResourceOptions,
} from '@callboard/actions-api';
import * as z from 'zod';
import { printable } from '../printable.js';
import { prepareAction, type RegisteredAction } from '../registry/prepareAction.js';
import { createCompletion, findCompleteProblems, type OfferContext, withTimeout } from './completions.js';
import {
  annotationsSchema,
  listedResourceSchema,
  mimeTypeSchema,
  outputCheck,
  readOutputSchema,
} from './contentSchemas.js';
import { findUriProblem, UriTemplate } from './UriTemplate.js';

/** What `register` is given, before anything of it is checked. */
export type GivenResource = Omit<StaticResourceOptions, 'uri'> & {
  visibilityPermission?: BasicPermission;
  uri?: unknown;
} & Partial<Pick<TemplateResourceOptions, 'list' | 'complete'>> & { uriTemplate?: unknown };

/** A resource or prompt with everything checked and made ready, once. */
export interface RegisteredOffer extends RegisteredAction {
  readonly descriptor: OfferedAction;
}

/** URIs of the server's own begin with this. */
const OWN_SCHEME = 'callboard:';
const MAX_LISTED = 10_000;
const LIST_TIMEOUT_MS = 10_000;

const readInputSchema = z.strictObject({ uri: z.string() });
const checkReadOutput = outputCheck(readOutputSchema);

/** @returns the resource, described as an action that reads; or all that keeps it from being published. */
export function prepareResource(
  pluginId: string,
  given: GivenResource,
): { offer: RegisteredOffer; template: UriTemplate | undefined } | { problems: string[] } {
  if (given === null || typeof given !== 'object') {
    return {
      problems: [`expected an object that describes the resource, got ${given === null ? 'null' : typeof given}`],
    };
  }
  const problems: string[] = [];
  const check = (ok: boolean, problem: string) => ok || problems.push(problem);
  const { uri, uriTemplate, mimeType, size, annotations, complete, list } = given;

  const isTemplate = uriTemplate !== undefined;
  const parsed = isTemplate ? UriTemplate.parse(uriTemplate) : undefined;
  const template = parsed instanceof UriTemplate ? parsed : undefined;
  check(isTemplate === (uri === undefined), 'expected either a uri or a uriTemplate');
  if (parsed && 'problem' in parsed) {
    problems.push(`uriTemplate: ${parsed.problem}`);
  }
  if (uri !== undefined) {
    const problem = findUriProblem(uri);
    check(problem === undefined, `uri: ${problem}`);
  }
  check(
    !String(uri ?? uriTemplate).startsWith(OWN_SCHEME),
    `uri: expected a scheme of the plugin's own, got "${OWN_SCHEME}", which is the server's`,
  );
  check(
    mimeType === undefined || mimeTypeSchema.safeParse(mimeType).success,
    'mimeType: expected something like "text/markdown"',
  );
  check(
    size === undefined || (Number.isSafeInteger(size) && size >= 0 && !isTemplate),
    'size: expected a number of bytes, of a resource at a fixed URI',
  );
  check(
    annotations === undefined || annotationsSchema.strict().safeParse(annotations).success,
    'annotations: expected an audience, a priority from 0 to 1 and lastModified as ISO 8601, each or none',
  );
  check(typeof given.read === 'function', `read: expected a function, got ${typeof given.read}`);
  check(
    list === undefined || (typeof list === 'function' && isTemplate),
    'list: expected a function, of a resource with a uriTemplate',
  );
  problems.push(...findCompleteProblems(complete, template?.variables ?? []));

  const prepared = prepareAction(pluginId, {
    name: given.name,
    title: given.title,
    description: given.description,
    visibilityPermission: given.visibilityPermission,
    capability: given.capability,
    timeoutSeconds: given.timeoutSeconds,
    schema: { input: readInputSchema },
    attributes: { readOnly: true },
    action: async ({ input, ...context }) => ({
      output: await read(given, template, (input as z.output<typeof readInputSchema>).uri, context),
    }),
  });
  if ('problems' in prepared) {
    return { problems: [...prepared.problems, ...problems] };
  }
  if (problems.length > 0) {
    return { problems };
  }
  const id = `${pluginId}:resource:${given.name}`;
  const resource = {
    ...(template ? { uriTemplate: template.text } : { uri: uri as string }),
    ...(mimeType !== undefined && { mimeType }),
    ...(size !== undefined && { size }),
    ...(annotations && { annotations: structuredClone(annotations) }),
  };
  return {
    template,
    offer: {
      ...prepared,
      descriptor: { ...prepared.descriptor, id, resource },
      checks: { ...prepared.checks, output: checkReadOutput },
      ...(template && {
        complete: createCompletion({ id, names: template.variables, complete, givenAs: 'variables' }),
      }),
      ...(template && list && { listInstances: createLister({ id, template, list: context => list(context) }) }),
    },
  };
}

async function read(
  given: GivenResource,
  template: UriTemplate | undefined,
  uri: string,
  { logger, credentials, signal, call, client }: Omit<ResourceContext, 'uri' | 'variables'>,
): Promise<{ contents: unknown[] }> {
  const variables = template ? template.match(uri) : uri === given.uri ? {} : undefined;
  const found: unknown = variables && (await given.read({ uri, variables, logger, credentials, signal, call, client }));
  // What is not there and what is empty cannot be told apart on the wire.
  if (found === undefined || (Array.isArray(found) && found.length === 0)) {
    throw new NotFoundError(`Resource not found: ${printable(uri)}`);
  }
  return { contents: [found].flat().map(contents => withDefaults(contents as ReadResource, uri, given.mimeType)) };
}

function withDefaults(contents: ReadResource, uri: string, mimeType: string | undefined): unknown {
  // What is no object the check of outputs refuses.
  return contents !== null && typeof contents === 'object'
    ? { uri, ...(mimeType !== undefined && { mimeType }), ...contents }
    : contents;
}

/** Lists what a template stands for; what it does not stand for is left out, with a line in the log. */
function createLister(options: {
  id: string;
  template: UriTemplate;
  list: NonNullable<TemplateResourceOptions['list']>;
}) {
  const { id, template, list } = options;
  return async (signal: AbortSignal, { logger, credentials }: OfferContext): Promise<readonly ListedResource[]> => {
    const listed: unknown = await withTimeout(
      `The list of "${id}"`,
      signal,
      limited => list({ logger, credentials, signal: limited }),
      LIST_TIMEOUT_MS,
    );
    if (!Array.isArray(listed)) {
      throw new Error(`The list of "${id}" is no list`);
    }
    const resources = listed.slice(0, MAX_LISTED).flatMap(one => {
      const { success, data } = listedResourceSchema.safeParse(one);
      return success && template.match(data.uri) ? [data as ListedResource] : [];
    });
    if (resources.length < listed.length) {
      logger.warn(
        `Resource "${id}" lists ${listed.length - resources.length} resources that are none of "${template.text}", not described as they should be, or beyond the first ${MAX_LISTED}; they are left out`,
      );
    }
    return resources;
  };
}
