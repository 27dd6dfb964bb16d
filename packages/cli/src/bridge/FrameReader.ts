import type { Readable } from 'node:stream';
import { isMessage, type JsonRpcId, type Message } from './messages.js';

export const MAX_FRAME_BYTES = 8 * 1024 * 1024;

const PARSE_ERROR = -32700;
const INVALID_REQUEST = -32600;
const LINE_FEED = 0x0a;
const KEPT_BYTES = 512;

/** A line of the client, or what is wrong with it. */
export type Frame =
  | { readonly messages: readonly Message[]; readonly isBatch: boolean; readonly bytes: number }
  | { readonly refusal: { readonly id: JsonRpcId | null; readonly code: number; readonly message: string } };

/** Messages of the stdio transport: a line of JSON each. A line that is none does not end the connection. */
export async function* readFrames(input: Readable, maxBytes = MAX_FRAME_BYTES): AsyncGenerator<Frame> {
  const line = new Line(maxBytes);
  for await (const chunk of input as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      line.add(chunk.subarray(start, end));
      start = end + 1;
      const frame = line.take();
      if (frame) {
        yield frame;
      }
    }
    line.add(chunk.subarray(start));
  }
  const last = line.take();
  if (last) {
    yield last;
  }
}

class Line {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #bytes = 0;
  /** The end of a line that is too long; of its beginning, as much is kept. Both may say whose request it was. */
  #tail = Buffer.alloc(0);

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(part: Buffer): void {
    if (part.length === 0) {
      return;
    }
    this.#bytes += part.length;
    if (this.#bytes <= this.#maxBytes) {
      this.#parts.push(part);
      return;
    }
    const known = Buffer.concat([...(this.#tail.length > 0 ? [this.#tail] : this.#parts), part]);
    if (this.#tail.length === 0) {
      this.#parts = [Buffer.from(known.subarray(0, KEPT_BYTES))];
    }
    this.#tail = Buffer.from(known.subarray(-KEPT_BYTES));
  }

  take(): Frame | undefined {
    const [bytes, parts, tail] = [this.#bytes, this.#parts, this.#tail];
    this.#bytes = 0;
    this.#parts = [];
    this.#tail = Buffer.alloc(0);
    if (bytes > this.#maxBytes) {
      return {
        refusal: {
          id: findId(parts[0]?.toString('latin1') ?? '', tail.toString('latin1')),
          code: INVALID_REQUEST,
          message: `Invalid request: a message has at most ${this.#maxBytes} bytes, got ${bytes}`,
        },
      };
    }
    const text = Buffer.concat(parts).toString('utf8').trim();
    return text === '' ? undefined : parseFrame(text, bytes);
  }
}

function parseFrame(text: string, bytes: number): Frame {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { refusal: { id: null, code: PARSE_ERROR, message: 'Parse error: a line was not JSON' } };
  }
  const isBatch = Array.isArray(value);
  const messages = isBatch ? (value as unknown[]) : [value];
  return messages.length > 0 && messages.every(isMessage)
    ? { messages, isBatch, bytes }
    : {
        refusal: {
          id: null,
          code: INVALID_REQUEST,
          message: 'Invalid request: expected a JSON-RPC 2.0 message',
        },
      };
}

const idPattern = String.raw`"id"\s*:\s*(\d{1,15}|"[^"\\]{1,200}")`;
const versionPattern = String.raw`"jsonrpc"\s*:\s*"2\.0"`;
const headPattern = new RegExp(String.raw`^\s*\{\s*(?:${versionPattern}\s*,\s*)?${idPattern}\s*,`);
const tailPattern = new RegExp(String.raw`(?:\}|\]|"2\.0")\s*,\s*${idPattern}\s*(?:,\s*${versionPattern}\s*)?\}\s*$`);

/** The id of a request of which only the ends are known; in quotes of a string it would be escaped. */
function findId(head: string, tail: string): JsonRpcId | null {
  const found = headPattern.exec(head)?.[1] ?? tailPattern.exec(tail)?.[1];
  return found === undefined ? null : (JSON.parse(found) as JsonRpcId);
}
