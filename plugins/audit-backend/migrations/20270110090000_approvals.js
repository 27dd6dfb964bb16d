// @ts-check

const columns = ['agent_id', 'mode', 'approval_id', 'decided_by', 'channel'];

/**
 * Records from before have none of these, so that their hashes hold.
 *
 * @param {import('knex').Knex} knex
 */
export async function up(knex) {
  await knex.schema.alterTable('audit_records', table => {
    for (const column of columns) {
      table.text(column).nullable();
    }
    table.index(['agent_id', 'time']);
    table.index(['approval_id']);
  });
}

/**
 * @param {import('knex').Knex} knex
 */
export async function down(knex) {
  await knex.schema.alterTable('audit_records', table => {
    table.dropIndex(['agent_id', 'time']);
    table.dropIndex(['approval_id']);
    table.dropColumns(...columns);
  });
}
