import { readdir } from 'node:fs/promises';
import type { DatabaseService } from '@backstage/backend-plugin-api';

/**
 * Whether knex would find nothing to do: exactly the migrations of a folder have run, and one lock is there that nobody
 * holds. To look takes three queries; knex takes a dozen and a write to the disk, in every database at every start.
 *
 * @param options.directory - path of the folder.
 * @param options.tableName - where it is kept which migrations have run.
 * @returns false for whatever is not certain. Knex says what is wrong, if anything is.
 */
export async function isMigrated(
  db: Awaited<ReturnType<DatabaseService['getClient']>>,
  { directory, tableName }: { directory: string; tableName: string },
): Promise<boolean> {
  const lockTable = `${tableName}_lock`;
  if (!(await db.schema.hasTable(tableName)) || !(await db.schema.hasTable(lockTable))) {
    return false;
  }
  const [files, ran, locks] = await Promise.all([
    readdir(directory),
    db(tableName).pluck<string[]>('name'),
    db(lockTable).pluck<number[]>('is_locked'),
  ]);
  const isUnlocked = locks.length === 1 && locks[0] === 0;
  return isUnlocked && files.sort().join('\n') === ran.sort().join('\n');
}
