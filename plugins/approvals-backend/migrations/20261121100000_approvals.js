// @ts-check

/**
 * Times are ISO 8601 UTC text of one length, which sorts as the times do. `open_binding` is the binding for as long as
 * the approval stands for it – pending, approved, or denied for good – and null afterwards: of one binding there is one.
 *
 * @param {import('knex').Knex} knex
 */
export async function up(knex) {
  await knex.schema.createTable('approvals', table => {
    table.string('id', 22).primary();
    table.string('binding', 64).notNullable();
    table.string('open_binding', 64).nullable().unique();
    table.string('principal_hash', 64).notNullable();
    table.string('state', 16).notNullable();
    table.text('request').notNullable();
    table.string('requested_at', 24).notNullable();
    table.string('expires_at', 24).notNullable();
    table.string('decided_at', 24).nullable();
    table.text('decided_by').nullable();
    table.string('channel', 16).nullable();
    table.text('comment').nullable();
    table.index(['state', 'expires_at']);
    table.index(['requested_at', 'id']);
    table.index(['principal_hash', 'requested_at', 'id']);
  });
  await knex.schema.createTable('approval_keys', table => {
    table.string('name', 32).primary();
    table.string('key', 64).notNullable();
  });
}

/**
 * @param {import('knex').Knex} knex
 */
export async function down(knex) {
  await knex.schema.dropTable('approval_keys');
  await knex.schema.dropTable('approvals');
}
