/** Backstage gives each plugin a schema of its name. */
export const faultsSchema = 'faults';
/** What ran to its end. */
export const ranTable = 'ran';
/** What began to run. */
export const startedTable = 'started';

/** Before any replica starts. Without keys: what ran twice has two rows. */
export async function createTables(db) {
  await db.raw('create schema if not exists ??', [faultsSchema]);
  for (const table of [ranTable, startedTable]) {
    await db.schema.withSchema(faultsSchema).createTable(table, columns => {
      columns.text('id').notNullable();
      columns.integer('pid').notNullable();
    });
  }
}

/** @returns {Promise<Map<string, number>>} How often each id is there. */
export async function countRuns(db) {
  const rows = await db.withSchema(faultsSchema).from(ranTable).select('id').count('* as count').groupBy('id');
  return new Map(rows.map(({ id, count }) => [id, Number(count)]));
}

/** @returns {Promise<number | undefined>} The process where it began last. */
export async function findStartedPid(db, id) {
  const rows = await db.withSchema(faultsSchema).from(startedTable).select('pid').where({ id });
  return rows.at(-1)?.pid;
}
