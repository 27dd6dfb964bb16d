import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import type { Tool } from '@modelcontextprotocol/server';

/** Not every action can be a tool: its input must be an object, and secrets must not pass through a model. */
export function canBeTool({ schema }: ActionsServiceAction): boolean {
  return schema.input.type === 'object' && !schema.secrets;
}

/** Describes an action as an MCP tool (2025-11-25, server/tools). */
export function toTool(action: ActionsServiceAction, name: string): Tool {
  const { input, output } = action.schema;
  return {
    name,
    title: action.title,
    description: action.description,
    inputSchema: input as Tool['inputSchema'],
    ...(saysSomething(output) && { outputSchema: output as NonNullable<Tool['outputSchema']> }),
    annotations: {
      title: action.title,
      readOnlyHint: action.attributes.readOnly,
      destructiveHint: action.attributes.destructive,
      idempotentHint: action.attributes.idempotent,
      openWorldHint: false,
    },
  };
}

// Actions without an output schema carry that of an empty object, by which clients that check
// results would refuse whatever they return.
function saysSomething(output: ActionsServiceAction['schema']['output']): boolean {
  return output.type === 'object' && Object.keys(output.properties ?? {}).length > 0;
}
