// @ts-check

/**
 * Times are ISO 8601 UTC text of one length. Keys are SHA-256 in hex: a copy of these tables signs nobody in and
 * names neither visitors nor wrong guesses.
 *
 * @param {import('knex').Knex} knex
 */
export async function up(knex) {
  await knex.schema.createTable('browser_sessions', table => {
    table.string('id_hash', 64).primary();
    table.string('user_entity_ref', 500).notNullable();
    table.string('expires_at', 24).notNullable().index();
  });
  await knex.schema.createTable('sign_in_attempts', table => {
    table.string('key_hash', 64).primary();
    table.integer('attempts').notNullable();
    table.string('blocked_until', 24).notNullable();
    table.string('forgotten_at', 24).notNullable().index();
  });
}

/**
 * @param {import('knex').Knex} knex
 */
export async function down(knex) {
  await knex.schema.dropTable('sign_in_attempts');
  await knex.schema.dropTable('browser_sessions');
}
