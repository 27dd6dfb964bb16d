import * as z from 'zod';
import { dealActions, sourceId } from '../actions.mjs';

/**
 * The actions as tools of servers that are no Backstage backend: the same names, texts and schemas.
 *
 * @returns One list, made once: servers that take it per request do not pay for its making.
 */
export function makeTools({ count, sources }) {
  return dealActions({ count, sources }).flatMap((actions, index) =>
    actions.map(({ name, title, description, attributes, schema, action }) => ({
      name: `${sourceId(index)}.${name}`,
      title,
      description,
      inputSchema: schema.input(z),
      outputSchema: schema.output(z),
      annotations: {
        title,
        readOnlyHint: attributes.readOnly,
        destructiveHint: attributes.destructive,
        idempotentHint: attributes.idempotent,
        openWorldHint: false,
      },
      run: async input => {
        const { output } = await action({ input });
        return { content: [{ type: 'text', text: JSON.stringify(output) }], structuredContent: output };
      },
    })),
  );
}

/** A tool as `tools/list` has it. */
export function describeTool({ name, title, description, inputSchema, outputSchema, annotations }) {
  return {
    name,
    title,
    description,
    inputSchema: z.toJSONSchema(inputSchema, { io: 'input' }),
    outputSchema: z.toJSONSchema(outputSchema),
    annotations,
  };
}
