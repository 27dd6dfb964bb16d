import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import type { Tool } from '@modelcontextprotocol/server';
import { publishedInput } from './headerParameters.js';

/**
 * Not every action can be a tool: its input must be an object, and secrets must not pass through a model.
 *
 * @param takesSecrets - whether people can enter secrets elsewhere.
 */
export function canBeTool({ schema }: ActionsServiceAction, takesSecrets: boolean): boolean {
  return schema.input.type === 'object' && (takesSecrets || !schema.secrets);
}

/** Describes an action as an MCP tool (2025-11-25, server/tools). */
export function toTool(action: ActionsServiceAction, name: string): Tool {
  const output = advertisedOutput(action);
  return {
    name,
    title: action.title,
    description: action.description,
    inputSchema: publishedInput(action) as Tool['inputSchema'],
    ...(output && { outputSchema: output }),
    annotations: {
      title: action.title,
      readOnlyHint: action.attributes.readOnly,
      destructiveHint: action.attributes.destructive,
      idempotentHint: action.attributes.idempotent,
      openWorldHint: false,
    },
  };
}

/**
 * The output schema as clients are shown it. Actions without one carry that of an empty object, by
 * which clients that check results would refuse whatever they return: it is not shown.
 */
export function advertisedOutput({ schema }: ActionsServiceAction): NonNullable<Tool['outputSchema']> | undefined {
  const { output } = schema;
  return output.type === 'object' && Object.keys(output.properties ?? {}).length > 0
    ? (output as NonNullable<Tool['outputSchema']>)
    : undefined;
}
