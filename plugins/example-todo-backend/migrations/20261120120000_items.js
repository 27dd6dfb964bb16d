// @ts-check

/**
 * Times are ISO 8601 UTC text of one length: it sorts as the times do, and reads the same from every database.
 *
 * @param {import('knex').Knex} knex
 */
export async function up(knex) {
  await knex.schema.createTable('items', table => {
    table.string('id', 36).primary();
    table.string('title', 200).notNullable();
    table.text('notes').nullable();
    table.string('due_date', 10).nullable();
    table.string('done_at', 24).nullable().index();
    table.string('created_at', 24).notNullable();
    table.string('updated_at', 24).notNullable();
    table.integer('version').notNullable();
    table.index(['created_at', 'id']);
  });
  await knex.schema.createTable('item_labels', table => {
    table.string('item_id', 36).notNullable().references('id').inTable('items').onDelete('CASCADE');
    table.string('label', 50).notNullable();
    table.primary(['item_id', 'label']);
    table.index(['label']);
  });
}

/**
 * @param {import('knex').Knex} knex
 */
export async function down(knex) {
  await knex.schema.dropTable('item_labels');
  await knex.schema.dropTable('items');
}
