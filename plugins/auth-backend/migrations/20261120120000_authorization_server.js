// @ts-check

/**
 * Tables have a prefix: in a backend that moves here from another plugin of the id `auth`, that plugin's tables are
 * in the same database. Times are ISO 8601 UTC text of one length, which sorts as the times do.
 *
 * @param {import('knex').Knex} knex
 */
export async function up(knex) {
  await knex.schema.createTable('callboard_records', table => {
    table.string('model', 40).notNullable();
    table.string('id_hash', 64).notNullable();
    table.string('grant_id', 64).nullable().index();
    table.string('alias', 100).nullable().index();
    table.text('payload').notNullable();
    table.string('created_at', 24).notNullable();
    table.string('expires_at', 24).nullable().index();
    table.string('consumed_at', 24).nullable();
    table.string('successor_salt', 43).nullable();
    table.string('used_at', 24).nullable();
    table.primary(['model', 'id_hash']);
  });
  await knex.schema.createTable('callboard_grants', table => {
    table.string('id', 64).primary();
    table.string('user_entity_ref', 500).notNullable().index();
    table.text('client_id').notNullable();
    table.text('client_name').notNullable();
    table.text('redirect_hosts').notNullable();
    table.text('resource').notNullable();
    table.text('scopes').notNullable();
    table.string('created_at', 24).notNullable();
    table.string('last_used_at', 24).nullable();
  });
  await knex.schema.createTable('callboard_registration_counts', table => {
    table.string('address', 64).primary();
    table.string('since', 24).notNullable().index();
    table.integer('count').notNullable();
  });
  await knex.schema.createTable('callboard_public_keys', table => {
    table.string('kid', 64).primary();
    table.text('jwk').notNullable();
    table.string('created_at', 24).notNullable();
    table.string('expires_at', 24).notNullable().index();
  });
}

/**
 * @param {import('knex').Knex} knex
 */
export async function down(knex) {
  await knex.schema.dropTable('callboard_public_keys');
  await knex.schema.dropTable('callboard_registration_counts');
  await knex.schema.dropTable('callboard_grants');
  await knex.schema.dropTable('callboard_records');
}
