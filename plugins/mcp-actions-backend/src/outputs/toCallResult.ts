import type { LoggerService } from '@backstage/backend-plugin-api';
import { toError } from '@backstage/errors';
import type { Invocation } from '@callboard/actions';
import type { ContentBlock } from '@callboard/actions-api';
import type { CallToolResult } from '@modelcontextprotocol/server';
import { cutResult } from './cutResult.js';
import type { OutputStore } from './OutputStore.js';
import { renderText } from './renderText.js';

type Content = CallToolResult['content'];

/**
 * Makes the result of a call: the output as text, in the action's own view if it gives one, and as
 * structure; what the handler returned besides; with a budget, no more than that of either.
 */
export async function toCallResult(
  call: Invocation,
  options: {
    toolName: string;
    logger: LoggerService;
    /** Of JSON, if results of this server have one. */
    maxOutputCharacters: number | undefined;
    outputs: OutputStore;
    /** Whom what does not fit is kept for. */
    owner: string;
  },
): Promise<CallToolResult> {
  const { maxOutputCharacters: budget, logger } = options;
  const json = JSON.stringify(call.output) as string | undefined;
  const content = call.content ?? [];
  if (budget !== undefined && Math.max(json?.length ?? 0, lengthOf(content)) > budget) {
    const view = (output: unknown) => viewOf(call, output, logger, budget);
    return cutResult(call, { ...options, json: json ?? 'null', content, budget, view });
  }
  const hasText = content.some(({ type }) => type === 'text');
  const needsText = !hasText && (json !== undefined || content.length === 0);
  const text = needsText ? (viewOf(call, call.output, logger, budget) ?? json ?? 'null') : undefined;
  return {
    content: [...(text === undefined ? [] : [{ type: 'text' as const, text }]), ...(content as Content)],
    ...(json !== undefined && json !== 'null' && { structuredContent: call.output as Record<string, unknown> }),
  };
}

/** The action's own view of an output; undefined if it gives none, one that fails, or one that is too long. */
function viewOf(
  { visible, action }: Invocation,
  output: unknown,
  logger: LoggerService,
  most = Number.POSITIVE_INFINITY,
): string | undefined {
  if (!visible.textView || output === undefined) {
    return undefined;
  }
  try {
    const text = renderText(visible.textView(output));
    return text.length <= most ? text : undefined;
  } catch (error) {
    logger.warn(`The text view of action "${action.id}" failed, the output is sent as JSON`, toError(error));
    return undefined;
  }
}

/** Characters of all blocks, bytes as the base64 that they are. */
function lengthOf(content: readonly ContentBlock[]): number {
  return content.reduce((sum, block) => sum + contentLength(block), 0);
}

export function contentLength(block: ContentBlock): number {
  switch (block.type) {
    case 'text':
      return block.text.length;
    case 'image':
    case 'audio':
      return block.data.length;
    case 'resource':
      return 'text' in block.resource ? block.resource.text.length : block.resource.blob.length;
    case 'resource_link':
      return JSON.stringify(block).length;
  }
}
