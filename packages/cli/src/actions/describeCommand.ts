import type { Command } from 'commander';
import type { Surroundings } from '../Surroundings.js';
import { addServerOptions, readServerOptions } from '../server/serverOptions.js';
import { Output } from '../terminal/Output.js';
import { visibleLine, visibleText } from '../terminal/visibleText.js';
import { findTool, withServer } from './connectActions.js';
import { effectOf } from './listCommand.js';
import { typesOf } from './typedInput.js';

/** `callboard actions describe <action>`. */
export function addDescribeCommand(actions: Command, surroundings: Surroundings): void {
  addServerOptions(
    actions
      .command('describe')
      .summary('show what an action does, takes and returns')
      .description('Shows what an action does, the fields of its input and of its output.')
      .argument('<action>', 'name of the tool, such as todo.create-item, or id of the action, such as todo:create-item')
      .option('--json', 'print the definition as the server sends it'),
  ).action(async (name: string, given) => {
    const output = new Output(surroundings);
    const server = readServerOptions(given, surroundings, output.note.bind(output));
    const tool = await withServer(server, surroundings, async ({ listTools }) => findTool(await listTools(), name));
    if (given.json) {
      output.printJson(tool);
      return;
    }
    output.print(output.style('bold', visibleLine(tool.name)) + (tool.title ? `  ${visibleLine(tool.title)}` : ''));
    output.print(`${visibleText(tool.description ?? 'No description.')}\n`);
    output.print(`${output.style('bold', 'Effect')}  ${effectOf(tool)}`);
    printFields(output, 'Input', tool.inputSchema);
    if (tool.outputSchema) {
      printFields(output, 'Output', tool.outputSchema);
    }
  });
}

function printFields(output: Output, heading: string, schema: unknown): void {
  const rows = listFields(schema);
  output.print(`\n${output.style('bold', heading)}`);
  if (rows.length === 0) {
    output.print('No fields.');
  } else {
    output.printTable(undefined, rows);
  }
}

/** A row per field: name, type, what is said of it; fields of objects below them. */
function listFields(schema: unknown, prefix = ''): string[][] {
  const { properties = {}, required = [] } = (schema ?? {}) as {
    properties?: Record<string, { description?: string; enum?: unknown[]; items?: unknown; default?: unknown }>;
    required?: string[];
  };
  return Object.entries(properties).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    const type = field.enum ? field.enum.map(String).join(' | ') : typesOf(field).join(' | ') || 'anything';
    const items = field.items ? ` of ${typesOf(field.items).join(' | ') || 'anything'}` : '';
    const about = [
      required.includes(name) ? 'required' : undefined,
      field.default === undefined ? undefined : `default ${JSON.stringify(field.default)}`,
      field.description,
    ];
    return [
      [visibleLine(path), visibleLine(`${type}${items}`), visibleLine(about.filter(Boolean).join('. '))],
      ...listFields(field, `${path}.`),
      ...listFields(field.items, `${path}[].`),
    ];
  });
}
