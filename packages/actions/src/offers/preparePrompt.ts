import type { BasicPermission } from '@backstage/plugin-permission-common';
import type { ActionSchema, OfferedAction, PromptOptions } from '@callboard/actions-api';
import type { JSONSchema7, JSONSchema7Definition } from 'json-schema';
import { prepareAction } from '../registry/prepareAction.js';
import { createCompletion, findCompleteProblems } from './completions.js';
import { outputCheck, promptOutputSchema } from './contentSchemas.js';
import type { RegisteredOffer } from './prepareResource.js';

/** What `register` is given, seen without its type parameter. */
export interface GivenPrompt extends Omit<PromptOptions, 'arguments' | 'get'> {
  arguments?: ActionSchema;
  visibilityPermission?: BasicPermission;
  get(context: object): Promise<unknown>;
}

const MAX_REFERENCES = 8;
const checkPromptOutput = outputCheck(promptOutputSchema);

/** @returns the prompt, described as an action that reads; or all that keeps it from being published. */
export function preparePrompt(
  pluginId: string,
  given: GivenPrompt,
): { offer: RegisteredOffer } | { problems: string[] } {
  if (given === null || typeof given !== 'object') {
    return {
      problems: [`expected an object that describes the prompt, got ${given === null ? 'null' : typeof given}`],
    };
  }
  const problems: string[] = [];
  if (typeof given.get !== 'function') {
    problems.push(`get: expected a function, got ${typeof given.get}`);
  }
  const prepared = prepareAction(pluginId, {
    name: given.name,
    title: given.title,
    description: given.description,
    visibilityPermission: given.visibilityPermission,
    capability: given.capability,
    timeoutSeconds: given.timeoutSeconds,
    toolName: given.exactName,
    schema: { input: given.arguments },
    attributes: { readOnly: true },
    action: async ({ input = {}, logger, credentials, signal, call, client }) => ({
      output: await given.get({ arguments: input, logger, credentials, signal, call, client }),
    }),
  });
  if ('problems' in prepared) {
    const worded = prepared.problems.map(problem =>
      problem.replace(/^schema\.input:/, 'arguments:').replace(/^toolName:/, 'exactName:'),
    );
    return { problems: [...worded, ...problems] };
  }
  const { toolName: _, ...descriptor } = prepared.descriptor as OfferedAction & { toolName?: string };
  const input = descriptor.schema.input;
  const properties = Object.entries(input.properties ?? {});
  const nested = properties.filter(([, property]) => !isFlat(property, input)).map(([name]) => name);
  if (nested.length > 0) {
    problems.push(`arguments: expected texts, numbers, booleans and choices, got more at ${nested.join(', ')}`);
  }
  const names = properties.map(([name]) => name);
  problems.push(...findCompleteProblems(given.complete, names));
  if (problems.length > 0) {
    return { problems };
  }
  const id = `${pluginId}:prompt:${given.name}`;
  const prompt = {
    ...(given.exactName !== undefined && { exactName: given.exactName }),
    arguments: properties.map(([name, property]) => {
      const { title, description } = typeof property === 'object' ? property : {};
      return {
        name,
        ...(title !== undefined && { title }),
        ...(description !== undefined && { description }),
        required: input.required?.includes(name) ?? false,
      };
    }),
  };
  return {
    offer: {
      ...prepared,
      descriptor: { ...descriptor, id, prompt },
      checks: { ...prepared.checks, output: checkPromptOutput },
      complete: createCompletion({ id, names, complete: given.complete, givenAs: 'arguments' }),
    },
  };
}

/** Clients send texts (MCP 2025-11-25, server/prompts), so that an argument has no parts. */
function isFlat(definition: JSONSchema7Definition, root: JSONSchema7, depth = 0): boolean {
  if (typeof definition === 'boolean') {
    return definition;
  }
  const name = definition.$ref?.match(/^#\/definitions\/([^/]+)$/)?.[1];
  if (definition.$ref !== undefined) {
    const found = name === undefined ? undefined : root.definitions?.[name];
    return found !== undefined && depth < MAX_REFERENCES && isFlat(found, root, depth + 1);
  }
  const { type, properties, items, anyOf = [], oneOf = [], allOf = [] } = definition;
  const types = [type ?? []].flat();
  return (
    !types.includes('object') &&
    !types.includes('array') &&
    properties === undefined &&
    items === undefined &&
    [...anyOf, ...oneOf, ...allOf].every(one => isFlat(one, root, depth + 1))
  );
}
