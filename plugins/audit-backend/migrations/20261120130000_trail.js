// @ts-check

/**
 * Columns that are searched hold short text only: PostgreSQL refuses entries of an index beyond 2,700 bytes. Times are
 * ISO 8601 UTC text of one length, which sorts as the times do.
 *
 * @param {import('knex').Knex} knex
 */
export async function up(knex) {
  await knex.schema.createTable('audit_chains', table => {
    table.string('id', 36).primary();
    table.string('started_at', 24).notNullable();
    table.bigInteger('last_seq').notNullable();
    table.string('last_hash', 64).notNullable();
  });
  await knex.schema.createTable('audit_records', table => {
    table.string('chain', 36).notNullable();
    table.bigInteger('seq').notNullable();
    table.string('kind', 16).notNullable();
    table.string('time', 24).notNullable();
    table.text('request_id').nullable().index();
    table.text('principal').nullable();
    table.text('client_id').nullable();
    table.text('door').nullable();
    table.text('server').nullable();
    table.text('name').nullable();
    table.text('action_id').nullable();
    table.text('effect').nullable();
    table.text('decision').nullable();
    table.text('fingerprint').nullable();
    table.text('input').nullable();
    table.bigInteger('input_bytes').nullable();
    table.double('duration_ms').nullable();
    table.text('error_name').nullable();
    table.text('error_message').nullable();
    table.string('prev_hash', 64).notNullable();
    table.string('hash', 64).notNullable();
    table.primary(['chain', 'seq']);
    table.index(['time', 'chain', 'seq']);
    table.index(['principal', 'time']);
    table.index(['client_id', 'time']);
    table.index(['action_id', 'time']);
  });
}

/**
 * @param {import('knex').Knex} knex
 */
export async function down(knex) {
  await knex.schema.dropTable('audit_records');
  await knex.schema.dropTable('audit_chains');
}
