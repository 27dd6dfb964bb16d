import type { Tool } from '@modelcontextprotocol/server';
import * as z from 'zod';

export const SEARCH_TOOLS = 'search_tools';
export const DESCRIBE_TOOL = 'describe_tool';
export const CALL_TOOL = 'call_tool';

export const MAX_FOUND = 20;
const name = z.string().min(1).max(512).describe('As found by search_tools');

/** The arguments of the tools with which the others are found, described and called. */
export const discoveryArguments = {
  [SEARCH_TOOLS]: z.strictObject({
    query: z.string().max(1_000).describe('What the tool should do, in a few words; empty for an overview'),
    limit: z.int().min(1).max(MAX_FOUND).default(8),
  }),
  [DESCRIBE_TOOL]: z.strictObject({ name }),
  [CALL_TOOL]: z.strictObject({
    name,
    arguments: z.record(z.string(), z.unknown()).default({}).describe('By the inputSchema that describe_tool shows'),
  }),
};

const readOnly = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false };

/** What `tools/list` shows on a server with `discovery: search`, however many tools there are. */
export const discoveryTools: readonly Tool[] = [
  describe(SEARCH_TOOLS, {
    title: 'Search tools',
    description:
      'Finds tools by what they do. They are not listed: search first, then describe_tool for the arguments, then call_tool.',
    annotations: readOnly,
  }),
  describe(DESCRIBE_TOOL, {
    title: 'Describe a tool',
    description: 'Shows the schemas, examples and approval rule of a tool.',
    annotations: readOnly,
  }),
  describe(CALL_TOOL, {
    title: 'Call a tool',
    description: 'Calls a tool that search_tools has found.',
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
  }),
];

function describe(
  toolName: keyof typeof discoveryArguments,
  texts: Pick<Tool, 'title' | 'description' | 'annotations'>,
): Tool {
  const { $schema, ...inputSchema } = z.toJSONSchema(discoveryArguments[toolName], { io: 'input' });
  return { name: toolName, ...texts, inputSchema: inputSchema as Tool['inputSchema'] };
}
