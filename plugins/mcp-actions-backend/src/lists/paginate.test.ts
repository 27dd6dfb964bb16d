import { describe, expect, it } from 'vitest';
import { paginate } from './paginate.js';

const letters = [...'abcdefg'];
const cut = (items: string[], pageSize?: number, cursor?: string) =>
  paginate(items, { cursor, pageSize, keyOf: item => item });

describe('a list', () => {
  it('is one page where no size is given', () => {
    expect(cut(letters)).toEqual({ page: letters });
  });

  it.each([1, 2, 3, 7, 8])('is whole and in order over pages of %d', size => {
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const { page, nextCursor } = cut(letters, size, cursor);
      expect(page.length).toBeLessThanOrEqual(size);
      seen.push(...page);
      cursor = nextCursor;
    } while (cursor !== undefined);

    expect(seen).toEqual(letters);
  });

  it('goes on where it was, whatever has come or gone in between', () => {
    const { nextCursor } = cut(letters, 3);

    expect(cut([...'abdef'], 3, nextCursor).page).toEqual(['d', 'e', 'f']);
    expect(cut([...'aabccd'], 3, nextCursor).page).toEqual(['d']);
  });

  it.each(['', 'x', 'YWZ0ZXI', Buffer.from('before:a').toString('base64url'), '%%%'])(
    'does not take "%s" for a cursor',
    cursor => {
      expect(() => cut(letters, 3, cursor)).toThrow('Invalid cursor: expected a nextCursor of this list');
    },
  );
});
