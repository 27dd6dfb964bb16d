import { hold } from '../engine/expect.js';
import type { WireAnswer } from './HttpWire.js';

const root = process.cwd();

/** What no answer may hold: secrets of the backend, its paths, and where in its code it was. */
export function holdNoLeak(text: string, sent: string): void {
  for (const mark of ['S3crOfTheHandler', 'S3crTokenOf', root, 'node_modules', 'file:///']) {
    hold(!text.includes(mark) || sent.includes(mark), `an answer with ${mark}`, text);
  }
  hold(!/\n\s+at .+:\d+:\d+/.test(text) && !/\\n\s+at .+:\d+:\d+/.test(text), 'an answer with a stack trace', text);
}

/** A JSON-RPC message of the server. */
export interface Answered {
  readonly jsonrpc?: unknown;
  readonly id?: unknown;
  readonly method?: unknown;
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape.
  readonly result?: any;
  readonly error?: { code?: unknown; message?: unknown };
}

/** @returns the messages of an answer, be it JSON or an event stream. */
export function messagesIn({ headers, text }: Pick<WireAnswer, 'headers' | 'text'>): Answered[] {
  const type = headers['content-type'] ?? '';
  if (type.startsWith('text/event-stream')) {
    return eventsIn(text).flatMap(({ data }) => (data?.startsWith('{') ? [JSON.parse(data) as Answered] : []));
  }
  if (type.startsWith('application/json') && text !== '') {
    return [JSON.parse(text) as Answered].flat();
  }
  return [];
}

/** Whole events of a stream. */
export function eventsIn(text: string): { event?: string; id?: string; data?: string }[] {
  return text
    .split('\n\n')
    .slice(0, -1)
    .map(event =>
      Object.fromEntries(
        event.split('\n').map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      ),
    );
}

const STATUSES = [200, 202, 400, 401, 403, 404, 405, 406, 408, 409, 413, 414, 415, 417, 429, 431, 501, 505];

/** Holds an answer of the MCP endpoint against what every one of them has to be. */
export function holdWellFormed(answer: WireAnswer, sent: string): void {
  hold(STATUSES.includes(answer.status), `the status ${answer.status}`, answer.text);
  holdNoLeak(answer.text + JSON.stringify(answer.headers), sent);
  for (const message of messagesIn(answer)) {
    hold(message.jsonrpc === '2.0', 'no JSON-RPC', message);
    const parts = [message.result !== undefined, message.error !== undefined, message.method !== undefined];
    hold(parts.filter(Boolean).length === 1, 'not exactly one of result, error and method', message);
    if (message.error) {
      const { code, message: words } = message.error;
      hold(Number.isInteger(code) && typeof words === 'string' && words.length < 4_000, 'a strange error', message);
    }
  }
}
