import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';

/**
 * Cuts a page out of a list that is sorted by `keyOf` (MCP 2025-11-25, server/utilities/pagination). A
 * cursor says after which key the page begins, so that what comes or goes between two pages neither
 * repeats nor hides anything else.
 *
 * @param options.pageSize - undefined for one page with everything.
 * @throws ProtocolError `-32602` for a cursor that is none of ours.
 */
export function paginate<T>(
  items: readonly T[],
  options: { cursor: string | undefined; pageSize: number | undefined; keyOf: (item: T) => string },
): { page: T[]; nextCursor?: string } {
  const { cursor, pageSize, keyOf } = options;
  const after = cursor === undefined ? undefined : readCursor(cursor);
  const rest = after === undefined ? items : items.filter(item => keyOf(item) > after);
  const page = rest.slice(0, pageSize);
  const last = page.at(-1);
  return {
    page,
    ...(last !== undefined && page.length < rest.length && { nextCursor: writeCursor(keyOf(last)) }),
  };
}

const PREFIX = 'after:';

function writeCursor(key: string): string {
  return Buffer.from(PREFIX + key).toString('base64url');
}

function readCursor(cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  if (!text.startsWith(PREFIX) || writeCursor(text.slice(PREFIX.length)) !== cursor) {
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'Invalid cursor: expected a nextCursor of this list');
  }
  return text.slice(PREFIX.length);
}
