import type { ActionOptions, ActionSchema } from '@callboard/actions-api';
import * as z from 'zod';
import { exampleTitles } from './examples.js';
import { type PluginVocabulary, portalVocabulary, type Thing } from './vocabulary.js';

type Definition = ActionOptions<ActionSchema, ActionSchema>;

/** The actions of a plugin of the portal. Each returns what it was called with, and nothing is done. */
export function portalActions({ id, things, actions }: PluginVocabulary): Definition[] {
  return [
    ...things.flatMap(actionsOf),
    ...actions.map(([name, title, description, effect, inputs]) => ({
      ...define({ name, title, description, effect, inputs }),
      examples: [{ title: exampleTitles[`${id}:${name}`] as string, input: {} }],
    })),
  ];
}

export const portalPluginIds = portalVocabulary.map(({ id }) => id);

function actionsOf([name, about, properties, kind]: Thing): Definition[] {
  const one = name.replaceAll('-', ' ');
  const many = plural(one);
  const known = properties.split(' ').map(spaced).join(', ');
  const keeping = [
    define({
      name: `create-${name}`,
      title: `Create a ${one}`,
      description: `Creates a ${one}: ${about}. Takes ${known}.`,
      effect: 'create',
      inputs: properties,
    }),
    define({
      name: `update-${name}`,
      title: `Update a ${one}`,
      description: `Changes ${known} of a ${one}: ${about}.`,
      effect: 'update',
      inputs: `id ${properties}`,
    }),
    define({
      name: `delete-${name}`,
      title: `Delete a ${one}`,
      description: `Deletes a ${one}: ${about}.`,
      effect: 'delete',
      inputs: 'id',
    }),
  ];
  const observing = [
    define({
      name: `count-${plural(name)}`,
      title: `Count ${many}`,
      description: `Counts ${many} by ${known}: ${about}.`,
      effect: 'read',
      inputs: 'groupBy from to',
    }),
    define({
      name: `export-${plural(name)}`,
      title: `Export ${many}`,
      description: `Writes ${many} to a CSV file: ${about}.`,
      effect: 'read',
      inputs: 'from to',
    }),
    define({
      name: `comment-on-${name}`,
      title: `Comment on a ${one}`,
      description: `Adds a remark for colleagues to a ${one}: ${about}.`,
      effect: 'create',
      inputs: 'id text',
    }),
  ];
  return [
    define({
      name: `list-${plural(name)}`,
      title: `List ${many}`,
      description: `Lists ${many}: ${about}. Can be filtered by ${known}.`,
      effect: 'read',
      inputs: properties,
    }),
    define({
      name: `get-${name}`,
      title: `Get one ${one}`,
      description: `Returns the details of one ${one}: ${about}.`,
      effect: 'read',
      inputs: 'id',
    }),
    ...(kind === 'observed' ? observing : keeping),
  ];
}

function define(texts: {
  name: string;
  title: string;
  description: string;
  effect: 'read' | 'create' | 'update' | 'delete' | 'execute';
  inputs: string;
}): Definition {
  const { inputs, ...rest } = texts;
  const properties = Object.fromEntries(
    inputs.split(' ').map(input => [
      input,
      z
        .string()
        .describe(`The ${spaced(input)}`)
        .optional(),
    ]),
  );
  return {
    ...rest,
    schema: {
      input: z.object(properties),
      output: z.object({ called: z.string(), with: z.record(z.string(), z.unknown()) }),
    },
    action: async ({ input }) => ({ output: { called: texts.name, with: input } }),
  };
}

function plural(text: string): string {
  return /[^aeiou]y$/.test(text) ? `${text.slice(0, -1)}ies` : /(s|x|ch|sh)$/.test(text) ? `${text}es` : `${text}s`;
}

/** `entityRef` as `entity ref`. */
function spaced(name: string): string {
  return name.replace(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`);
}
