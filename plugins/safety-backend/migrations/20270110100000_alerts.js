// @ts-check

/**
 * @param {import('knex').Knex} knex
 */
export async function up(knex) {
  await knex.schema.createTable('safety_alerts', table => {
    table.string('id', 64).primary();
    table.string('event', 32).notNullable();
    table.string('time', 24).notNullable();
    table.text('message').notNullable();
    table.text('details').notNullable();
    table.index(['time', 'id']);
    table.index(['event', 'time']);
  });
  // What has not arrived yet. Neither the URL nor the secret is here: `webhook` is a hash of the URL.
  await knex.schema.createTable('safety_webhook_deliveries', table => {
    table.string('id', 64).notNullable();
    table.string('webhook', 64).notNullable();
    table.text('body').notNullable();
    table.bigInteger('created_at_ms').notNullable().index();
    table.integer('attempts').notNullable();
    table.bigInteger('next_attempt_at_ms').notNullable();
    table.primary(['id', 'webhook']);
    table.index(['webhook', 'next_attempt_at_ms']);
  });
}

/**
 * @param {import('knex').Knex} knex
 */
export async function down(knex) {
  await knex.schema.dropTable('safety_webhook_deliveries');
  await knex.schema.dropTable('safety_alerts');
}
