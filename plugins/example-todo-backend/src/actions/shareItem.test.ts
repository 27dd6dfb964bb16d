import { createHmac } from 'node:crypto';
import { NotFoundError } from '@backstage/errors';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTestBoard, type TestBoard } from '../testing/openTestBoard.js';
import { shareItem } from './shareItem.js';

const signingKey = 'signing-key-of-at-least-32-characters';

let board: TestBoard;

beforeEach(async () => {
  board = await openTestBoard();
});

afterEach(() => board.close());

test('signs a token that names the item and the time it expires', async () => {
  const { id } = await board.store.createItem({ title: 'Plants' });

  const { token, expiresAt } = await board.call(shareItem(board), { id, lifetimeMinutes: 90 }, { signingKey });

  const [payload = '', signature] = token.split('.');
  expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toEqual({ itemId: id, expiresAt });
  expect(expiresAt).toBe('2027-01-01T01:30:00.000Z');
  expect(signature).toBe(createHmac('sha256', signingKey).update(payload).digest('base64url'));
});

test('keeps the signing key out of its answer and the log', async () => {
  const { id } = await board.store.createItem({ title: 'Plants' });

  const output = await board.call(shareItem(board), { id }, { signingKey });
  await board.call(shareItem(board), { id: 'gone' }, { signingKey }).catch(error => board.logged.push([`${error}`]));

  expect(JSON.stringify([output, board.logged])).not.toContain(signingKey);
});

test('answers an unknown id with a NotFoundError', async () => {
  await expect(board.call(shareItem(board), { id: 'gone' }, { signingKey })).rejects.toThrow(NotFoundError);
});

test('refuses a short signing key without showing it', async () => {
  const { id } = await board.store.createItem({ title: 'Plants' });

  const message = await board.call(shareItem(board), { id }, { signingKey: 'hunter2' }).catch(String);

  expect(message).toContain('signingKey');
  expect(message).not.toContain('hunter2');
});
