import { ProtocolError } from '@modelcontextprotocol/server';
import fc from 'fast-check';
import { paginate } from '../../../plugins/mcp-actions-backend/src/lists/paginate.js';
import { hold, holdEqual, thrownBy } from '../engine/expect.js';
import type { Kind } from '../engine/FuzzTarget.js';
import { hostileText } from '../json/hostileJson.js';
import { mutatedText } from '../json/mutateText.js';

interface CursorCase {
  readonly keys: readonly string[];
  readonly pageSize: number;
  readonly cursor: string;
}

const key = fc.oneof(
  fc.constantFrom('a', 'b', 'todo.list', 'todo.list-items', 'é', '🎭', '__proto__', 'after:', ' '),
  hostileText(8),
);
const cursor = mutatedText(
  fc.oneof(
    key.map(text => Buffer.from(`after:${text}`).toString('base64url')),
    key.map(text => Buffer.from(`before:${text}`).toString('base64url')),
    fc.string({ maxLength: 20 }),
  ),
  { tokens: ['=', '==', '-', '_', '+', '/', 'A', ' ', '\u0000', 'é', 'YWZ0ZXI6'] },
);

/** Pages make up the list, each entry once; a cursor is taken in one way of writing only. */
export const cursors: Kind<CursorCase> = {
  name: 'cursors',
  weight: 2,
  cases: fc.record({
    keys: fc
      .uniqueArray(
        key.map(text => text.toWellFormed()),
        { maxLength: 12 },
      )
      .map(keys => [...keys].sort()),
    pageSize: fc.integer({ min: 1, max: 5 }),
    cursor,
  }),
  check({ keys, pageSize, cursor: given }) {
    const pageAt = (at: string | undefined) => paginate(keys, { cursor: at, pageSize, keyOf: item => item });
    const all: string[] = [];
    let next: string | undefined;
    let pages = 0;
    do {
      const { page, nextCursor } = pageAt(next);
      hold(page.length <= pageSize, 'a page that is too long', page);
      all.push(...page);
      next = nextCursor;
      pages += 1;
      hold(pages <= keys.length + 1, 'pages without end');
    } while (next !== undefined);
    holdEqual(all, [...keys], 'all pages together');

    let page: string[] = [];
    const error = thrownBy(() => {
      ({ page } = pageAt(given));
    });
    const decoded = Buffer.from(given, 'base64url').toString('utf8');
    const isOurs = decoded.startsWith('after:') && Buffer.from(decoded).toString('base64url') === given;
    if (isOurs) {
      const expected = keys.filter(item => item > decoded.slice('after:'.length)).slice(0, pageSize);
      holdEqual(page, expected, 'the page after a key that may be gone');
    }
    hold(isOurs === (error === undefined), 'a cursor that is taken, or not, against the rules', { given, decoded });
    hold(
      error === undefined || (error instanceof ProtocolError && error.code === -32_602),
      'the error of a cursor',
      error?.stack,
    );
  },
};
