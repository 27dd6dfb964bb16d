import type { Command } from 'commander';
import type { Surroundings } from '../Surroundings.js';
import { addCallCommand } from './callCommand.js';
import { addDescribeCommand } from './describeCommand.js';
import { addExplainCommand } from './explainCommand.js';
import { addListCommand } from './listCommand.js';

/** `callboard actions`: what agents can do, for people and scripts. */
export function addActionsCommands(program: Command, surroundings: Surroundings): void {
  const actions = program
    .command('actions')
    .summary('list, describe, call and explain the actions of a server')
    .description('The actions of a server, for people and scripts. They are those that an agent sees there.');
  addListCommand(actions, surroundings);
  addDescribeCommand(actions, surroundings);
  addCallCommand(actions, surroundings);
  addExplainCommand(actions, surroundings);
}
