import type { Tool } from '@modelcontextprotocol/client';
import type { Command } from 'commander';
import type { Surroundings } from '../Surroundings.js';
import { addServerOptions, readServerOptions } from '../server/serverOptions.js';
import { Output } from '../terminal/Output.js';
import { visibleLine } from '../terminal/visibleText.js';
import { withServer } from './connectActions.js';

/** `callboard actions list [text]`. */
export function addListCommand(actions: Command, surroundings: Surroundings): void {
  addServerOptions(
    actions
      .command('list')
      .summary('show the actions that are there')
      .description('Shows the actions that you may see, with what they do to the world.')
      .argument('[text]', 'only those with this text in their name, title or description')
      .option('--json', 'print JSON'),
  ).action(async (text: string | undefined, given) => {
    const output = new Output(surroundings);
    const server = readServerOptions(given, surroundings, output.note.bind(output));
    const tools = await withServer(server, surroundings, ({ listTools }) => listTools());
    const found = tools.filter(tool => text === undefined || hasText(tool, text));
    if (given.json) {
      output.printJson(found);
    } else if (found.length === 0) {
      output.note(
        text === undefined ? 'There are no actions that you may see.' : `No action has ${JSON.stringify(text)}.`,
      );
    } else {
      output.printTable(
        ['ACTION', 'EFFECT', 'DESCRIPTION'],
        found.map(tool => [visibleLine(tool.name), effectOf(tool), visibleLine(tool.description ?? tool.title ?? '')]),
      );
    }
  });
}

function hasText({ name, title, description }: Tool, text: string): boolean {
  return [name, title, description].some(value => value?.toLowerCase().includes(text.toLowerCase()));
}

/** MCP: a tool that says nothing of itself counts as destructive. */
export function effectOf({ annotations }: Tool): string {
  return annotations?.readOnlyHint ? 'reads' : annotations?.destructiveHint === false ? 'changes' : 'may destroy';
}
