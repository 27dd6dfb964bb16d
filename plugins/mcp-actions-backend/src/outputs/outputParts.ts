import type { JsonValue } from '@backstage/types';
import { resolvePointer, wholeCharacters } from './cutOutput.js';
import type { KeptOutput, Missing } from './OutputStore.js';

/** Where the next part begins. */
export interface Position {
  /** Of what is missing, the how manieth. */
  readonly missing: number;
  /** The first element or character. */
  readonly at: number;
  /** The first character of the JSON of that element, if it does not fit into one part. */
  readonly within: number;
}

/** A part of what was missing from a result. */
export interface OutputPart {
  readonly path: string;
  readonly from: number;
  /** The first that is not in this part. */
  readonly to: number;
  readonly of: number;
  readonly items?: readonly JsonValue[];
  readonly text?: string;
  /** A piece of JSON: of the element at `path`, or of the whole output. */
  readonly json?: string;
  readonly nextCursor?: string;
}

/** For what is around the items or the text of a part. */
const FRAME_CHARACTERS = 400;
const MIN_ROOM = 200;

/** @returns the cursor of what is missing first; undefined if nothing is, or only what cannot be read in parts. */
export function firstCursor(kept: Pick<KeptOutput, 'id' | 'missing' | 'content'>): string | undefined {
  return cursorFrom(kept, 0);
}

function cursorFrom(
  { id, missing, content }: Pick<KeptOutput, 'id' | 'missing' | 'content'>,
  first: number,
): string | undefined {
  const index = missing.findIndex((place, at) => at >= first && isReadable(place, content));
  const found = missing[index];
  return found && writeCursor(id, { missing: index, at: found.shown, within: 0 });
}

/** Bytes and links are whole or not at all. */
function isReadable(missing: Missing, content: KeptOutput['content']): boolean {
  return missing.kind !== 'content' || textOf(content[missing.block]) !== undefined;
}

const CURSOR =
  /^(?<id>[\w-]+\.[\w-]+)\.(?<missing>0|[1-9]\d{0,15})\.(?<at>0|[1-9]\d{0,15})\.(?<within>0|[1-9]\d{0,15})$/;

/** @returns the id of the kept output and the position; undefined if it is no cursor. */
export function readCursor(cursor: string): { id: string; position: Position } | undefined {
  const { id, missing, at, within } = CURSOR.exec(cursor)?.groups ?? {};
  return id === undefined
    ? undefined
    : { id, position: { missing: Number(missing), at: Number(at), within: Number(within) } };
}

/** Whether there is a part at a position. It costs nothing to tell, however long the output is. */
export function hasPartAt({ missing, content }: KeptOutput, position: Position): boolean {
  const place = missing[position.missing];
  return place !== undefined && position.at < place.of && isReadable(place, content);
}

/**
 * Cuts the next part out of what is missing from a result.
 *
 * @param budget - characters that the JSON of the part may have.
 * @returns undefined if there is nothing at this position.
 */
export function partAt(kept: KeptOutput, position: Position, budget: number): OutputPart | undefined {
  const missing = kept.missing[position.missing];
  if (!missing || !hasPartAt(kept, position)) {
    return undefined;
  }
  const room = Math.max(MIN_ROOM, budget - FRAME_CHARACTERS - 2 * missing.path.length);
  const target = targetOf(kept, missing);
  if (typeof target === 'string') {
    const text = sliceOf(target, position.at, room);
    const part = { path: missing.path, from: position.at, to: position.at + text.length, of: missing.of };
    return withNext(kept, position, {
      ...part,
      ...(missing.kind === 'json' ? { json: text } : { text }),
    });
  }
  return Array.isArray(target) ? partOfArray(kept, position, { missing, target, room }) : undefined;
}

function partOfArray(
  kept: KeptOutput,
  position: Position,
  { missing, target, room }: { missing: Missing; target: readonly JsonValue[]; room: number },
): OutputPart {
  const { at, within } = position;
  const { path, of } = missing;
  const items: JsonValue[] = [];
  for (let left = room; at + items.length < of; ) {
    const item = target[at + items.length] as JsonValue;
    left -= JSON.stringify(item).length + 1;
    if (left < 0 || within > 0) {
      break;
    }
    items.push(item);
  }
  if (items.length > 0) {
    return withNext(kept, position, { path, from: at, to: at + items.length, of, items });
  }
  const whole = JSON.stringify(target[at]);
  const json = sliceOf(whole, within, room);
  const to = within + json.length;
  const part = { path: `${path}/${at}`, from: within, to, of: whole.length, json };
  return to < whole.length
    ? { ...part, nextCursor: writeCursor(kept.id, { ...position, within: to }) }
    : { ...part, ...nextOf(kept, { ...position, at: at + 1, within: 0 }) };
}

function withNext(kept: KeptOutput, position: Position, part: OutputPart): OutputPart {
  return { ...part, ...nextOf(kept, { ...position, at: part.to, within: 0 }) };
}

function nextOf(kept: KeptOutput, position: Position): { nextCursor?: string } {
  if (position.at < (kept.missing[position.missing]?.of ?? 0)) {
    return { nextCursor: writeCursor(kept.id, position) };
  }
  const nextCursor = cursorFrom(kept, position.missing + 1);
  return nextCursor === undefined ? {} : { nextCursor };
}

function targetOf({ json, content }: KeptOutput, missing: Missing): JsonValue | undefined {
  switch (missing.kind) {
    case 'json':
      return json;
    case 'output':
      return resolvePointer(JSON.parse(json) as JsonValue, missing.path);
    case 'content':
      return textOf(content[missing.block]);
  }
}

export function textOf(block: KeptOutput['content'][number] | undefined): string | undefined {
  if (block?.type === 'text') {
    return block.text;
  }
  return block?.type === 'resource' && 'text' in block.resource ? block.resource.text : undefined;
}

/** As much of a text as fits when it is written as JSON, and never nothing. */
function sliceOf(text: string, from: number, room: number): string {
  let length = Math.min(room, text.length - from);
  while (length > 1 && JSON.stringify(text.slice(from, from + length)).length > room) {
    length = Math.floor(length / 2);
  }
  const end = wholeCharacters(text, from + length);
  return text.slice(from, end > from ? end : from + 2);
}

function writeCursor(id: string, { missing, at, within }: Position): string {
  return [id, missing, at, within].join('.');
}
