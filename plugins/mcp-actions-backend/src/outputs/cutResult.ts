import type { JsonValue } from '@backstage/types';
import type { Invocation } from '@callboard/actions';
import type { ContentBlock } from '@callboard/actions-api';
import type { CallToolResult } from '@modelcontextprotocol/server';
import { type CutOutput, cutOutput, shorten } from './cutOutput.js';
import { type KeptOutput, type Missing, OUTPUT_URI_PREFIX, type OutputStore } from './OutputStore.js';
import { outputCheckOf } from './outputCheck.js';
import { firstCursor, textOf } from './outputParts.js';
import { contentLength } from './toCallResult.js';

type Content = CallToolResult['content'];

/** Places that a result names; there are as many again behind the cursor as there are. */
const MAX_SHOWN = 20;
/** A shorter block is left out rather than shortened. */
const MIN_BLOCK_CHARACTERS = 100;

/** Makes the result of a call whose output or content is over the budget, and keeps the whole. */
export async function cutResult(
  call: Invocation,
  options: {
    toolName: string;
    json: string;
    content: readonly ContentBlock[];
    budget: number;
    outputs: OutputStore;
    owner: string;
    /** The action's own view of an output, if it gives one that fits. */
    view: (output: unknown) => string | undefined;
  },
): Promise<CallToolResult> {
  const { json, budget, outputs, owner, toolName } = options;
  const cut = await cutJson(call, json, budget);
  const shortened = cutContent(options.content, budget);
  const missing: Missing[] = [
    ...(cut
      ? cut.cuts.map(place => ({ kind: 'output' as const, ...place }))
      : [{ kind: 'json' as const, path: '' as const, shown: 0 as const, of: json.length }]),
    ...shortened.missing,
  ];
  const kept = outputs.keep({ owner, actionId: call.action.id, toolName, json, content: options.content, missing });
  const cursor = kept && firstCursor(kept);
  const total = json.length + options.content.reduce((sum, block) => sum + contentLength(block), 0);
  const notes = {
    content: [
      { type: 'text' as const, text: explain({ missing, kept, total, budget, isCut: cut !== undefined }) },
      ...(kept ? [linkTo(kept)] : []),
    ],
    _meta: {
      'callboard/output': {
        ...(kept && { uri: uriOf(kept), ...(cursor !== undefined && { cursor }) }),
        totalCharacters: total,
        shown: missing.slice(0, MAX_SHOWN).map(({ path, shown, of }) => ({ path, shown, of })),
      },
    },
  };
  if (!cut) {
    return { ...notes, content: [...notes.content, ...(shortened.content as Content)], isError: true };
  }
  const hasText = shortened.content.some(({ type }) => type === 'text');
  const hasOutput = cut.value !== null;
  const text = options.view(cut.value) ?? JSON.stringify(cut.value);
  return {
    content: [
      ...(hasOutput && !hasText ? [{ type: 'text' as const, text }] : []),
      ...(shortened.content as Content),
      ...notes.content,
    ],
    ...(hasOutput && { structuredContent: cut.value as Record<string, unknown> }),
    _meta: notes._meta,
  };
}

export function uriOf({ id }: KeptOutput): string {
  return `${OUTPUT_URI_PREFIX}${id}`;
}

async function cutJson(call: Invocation, json: string, budget: number): Promise<CutOutput | undefined> {
  const output = JSON.parse(json) as JsonValue;
  return json.length <= budget
    ? { value: output, cuts: [] }
    : cutOutput(output, { budget, isValid: await outputCheckOf(call.visible, output) });
}

/** Shortens texts and leaves out bytes, once what came before has used the budget up. */
function cutContent(content: readonly ContentBlock[], budget: number): { content: ContentBlock[]; missing: Missing[] } {
  const result: ContentBlock[] = [];
  const missing: Missing[] = [];
  let left = budget;
  for (const [index, block] of content.entries()) {
    const length = contentLength(block);
    if (length <= left) {
      result.push(block);
      left -= length;
      continue;
    }
    const whole = textOf(block);
    const { text, shown } = shorten(whole ?? '', left >= MIN_BLOCK_CHARACTERS ? left : 0);
    if (shown > 0) {
      result.push(
        block.type === 'resource'
          ? { ...block, resource: { ...block.resource, text } }
          : { ...(block as Extract<ContentBlock, { type: 'text' }>), text },
      );
      left = 0;
    }
    missing.push({ kind: 'content', block: index, path: `content/${index}`, shown, of: whole?.length ?? length });
  }
  return { content: result, missing };
}

function linkTo(kept: KeptOutput): Content[number] {
  return {
    type: 'resource_link',
    uri: uriOf(kept),
    name: `Whole output of ${kept.toolName}`,
    mimeType: 'application/json',
  };
}

/** One line on what is missing and how to go on. */
function explain(options: {
  missing: readonly Missing[];
  kept: KeptOutput | undefined;
  total: number;
  budget: number;
  isCut: boolean;
}): string {
  const { missing, kept, total, budget, isCut } = options;
  const named = missing.slice(0, 3).map(({ path, shown, of }) => `${path || 'the output'}: ${shown} of ${of}`);
  const more = missing.length > named.length ? ` and ${missing.length - named.length} more places` : '';
  const what = isCut
    ? `The output is cut (${total} characters, the limit is ${budget}); shown: ${named.join(', ')}${more}.`
    : `The action has run. Its output is not shown: it has ${total} characters, the limit is ${budget}, and no part of it would fit its schema.`;
  return `${what} ${howToGoOn(kept)}`;
}

function howToGoOn(kept: KeptOutput | undefined): string {
  if (!kept) {
    return 'It is too long to be kept: ask for less.';
  }
  const cursor = firstCursor(kept);
  return cursor === undefined
    ? `Read the resource ${uriOf(kept)}, for 15 minutes.`
    : `Go on with read_output and the cursor "${cursor}", or read the resource ${uriOf(kept)}; both for 15 minutes.`;
}
