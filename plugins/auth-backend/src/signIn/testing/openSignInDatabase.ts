import type { TestDatabase } from '@callboard/test-utils';
import { up } from '../../../migrations/20261120121500_browser_sign_in.js';

/** A fresh database with the tables of sign-in. */
export async function openSignInDatabase(open: () => Promise<TestDatabase>): Promise<TestDatabase> {
  const database = await open();
  await up(database.db);
  return database;
}
