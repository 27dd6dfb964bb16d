import { NotFoundError, toError } from '@backstage/errors';
import type { CallerView } from '@callboard/actions';
import { effectOf, type StatedEffect } from '@callboard/actions-api';
import type { CallToolResult } from '@modelcontextprotocol/server';
import { observe } from '../lists/observe.js';
import { shorten } from '../outputs/cutOutput.js';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import type { RequestContext } from '../protocol/RequestContext.js';
import type { PublishedTool, ToolList } from '../tools/ToolList.js';
import { DESCRIBE_TOOL, discoveryArguments, SEARCH_TOOLS } from './discoveryTools.js';
import { readArguments } from './readArguments.js';
import { unknownToolMessage } from './unknownTool.js';

const MAX_LINE_CHARACTERS = 200;

type DiscoveryTool = typeof SEARCH_TOOLS | typeof DESCRIBE_TOOL;

/**
 * Answers `search_tools` and `describe_tool`. Both show what `tools/list` shows elsewhere, to the same
 * callers, and are recorded as it is.
 *
 * @returns a result with `isError` for arguments that are wrong, and for a name that is not there.
 */
export async function answerDiscovery(
  server: PublishedServer,
  { name, input }: { name: DiscoveryTool; input: unknown },
  context: RequestContext,
): Promise<CallToolResult> {
  const observed = { method: 'tools/call', eventId: 'tool-discovery', meta: { toolName: name } };
  try {
    return await observe(server, context, observed, async () => {
      const view = server.viewOf(context);
      const list = await server.tools.list(context.credentials, view);
      const { result, toolCount } = (name === SEARCH_TOOLS ? search : describeTool)(server, list, view, input);
      return { result, meta: { toolCount } };
    });
  } catch (thrown) {
    const error = toError(thrown);
    if (error.name !== 'InputError' && error.name !== 'NotFoundError') {
      throw thrown;
    }
    return { content: [{ type: 'text', text: `${error.name}: ${error.message}` }], isError: true };
  }
}

interface Answer {
  readonly result: CallToolResult;
  readonly toolCount: number;
}

function search(server: PublishedServer, list: ToolList, view: CallerView, input: unknown): Answer {
  const { query, limit } = readArguments(SEARCH_TOOLS, discoveryArguments[SEARCH_TOOLS], input);
  const found = server.search.find(list, query, limit);
  return {
    toolCount: found.length,
    result: toResult({
      tools: found.map(entry => summaryOf(entry, view)),
      total: list.published.length,
      ...(found.length === 0 && {
        hint: 'No tool fits these words. Search for what a tool should do, or for one of these plugins:',
        plugins: countByPlugin(list),
      }),
    }),
  };
}

function describeTool(server: PublishedServer, list: ToolList, view: CallerView, input: unknown): Answer {
  const { name } = readArguments(DESCRIBE_TOOL, discoveryArguments[DESCRIBE_TOOL], input);
  const entry = list.find(name);
  if (!entry) {
    throw new NotFoundError(unknownToolMessage(server, list, name));
  }
  const { action, tool } = entry;
  return {
    toolCount: 1,
    result: toResult({
      ...tool,
      effect: statedEffectOf(entry),
      approval: view.approvalNeedOf(action),
      ...(action.examples?.length && { examples: action.examples }),
    }),
  };
}

function summaryOf(entry: PublishedTool, view: CallerView) {
  const { action, tool } = entry;
  return {
    name: tool.name,
    title: action.title,
    description: oneLine(action.description),
    effect: statedEffectOf(entry),
    readOnly: action.attributes.readOnly,
    approval: view.approvalNeedOf(action),
  };
}

function statedEffectOf({ action }: PublishedTool): StatedEffect {
  return (action as { effect?: StatedEffect }).effect ?? effectOf(action);
}

function countByPlugin(list: ToolList) {
  const counts = new Map<string, number>();
  for (const { action } of list.published) {
    counts.set(action.pluginId, (counts.get(action.pluginId) ?? 0) + 1);
  }
  return [...counts].map(([plugin, tools]) => ({ plugin, tools })).sort((a, b) => (a.plugin < b.plugin ? -1 : 1));
}

/** The first sentence or line. */
function oneLine(text: string): string {
  const line = /^\s*([^\n]*?[.!?](?=\s|$)|[^\n]*)/.exec(text)?.[1] ?? '';
  return shorten(line, MAX_LINE_CHARACTERS).text;
}

function toResult(output: Record<string, unknown>): CallToolResult {
  return { content: [{ type: 'text', text: JSON.stringify(output) }], structuredContent: output };
}
