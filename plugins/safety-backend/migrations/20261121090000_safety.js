// @ts-check

/**
 * Times are ISO 8601 UTC text of one length, or milliseconds since 1970 where statements calculate with them.
 *
 * @param {import('knex').Knex} knex
 */
export async function up(knex) {
  await knex.schema.createTable('safety_pause', table => {
    // There is one row at most.
    table.string('id', 8).primary();
    table.string('scope', 16).notNullable();
    table.text('reason').notNullable();
    table.string('since', 24).notNullable();
    table.text('paused_by').notNullable();
  });
  await knex.schema.createTable('safety_counters', table => {
    table.string('key', 64).primary();
    table.double('value').notNullable();
    table.bigInteger('expires_at_ms').notNullable().index();
  });
  await knex.schema.createTable('safety_leases', table => {
    table.string('key', 64).notNullable();
    table.integer('slot').notNullable();
    table.string('lease', 36).notNullable().index();
    table.bigInteger('expires_at_ms').notNullable().index();
    table.primary(['key', 'slot']);
  });
  await knex.schema.createTable('safety_seen_definitions', table => {
    table.string('action_id', 300).notNullable();
    table.string('fingerprint', 64).notNullable();
    table.text('definition').notNullable();
    table.string('seen_at', 24).notNullable();
    table.primary(['action_id', 'fingerprint']);
  });
  await knex.schema.createTable('safety_accepted_definitions', table => {
    table.string('action_id', 300).primary();
    table.string('fingerprint', 64).notNullable();
    table.text('definition').notNullable();
    table.string('accepted_at', 24).notNullable();
    table.text('accepted_by').notNullable();
  });
  // One row, whose number grows with each change of the accepted definitions.
  await knex.schema.createTable('safety_definitions_revision', table => {
    table.string('id', 16).primary();
    table.integer('revision').notNullable();
  });
  await knex('safety_definitions_revision').insert({ id: 'accepted', revision: 0 });
}

/**
 * @param {import('knex').Knex} knex
 */
export async function down(knex) {
  for (const table of [
    'safety_definitions_revision',
    'safety_accepted_definitions',
    'safety_seen_definitions',
    'safety_leases',
    'safety_counters',
    'safety_pause',
  ]) {
    await knex.schema.dropTable(table);
  }
}
