import { Command } from 'commander';
import { addActionsCommands } from './actions/actionsCommands.js';
import { addLoginCommands } from './auth/loginCommands.js';
import { addBridgeCommand } from './bridge/bridgeCommand.js';
import { addClientConfigCommand } from './clientConfig/clientConfigCommand.js';
import { addCompletionCommand } from './completion/completionCommand.js';
import { addMcpCommand } from './mcp/mcpCommand.js';
import type { Surroundings } from './Surroundings.js';
import { version } from './version.js';

const examples = `
Examples:
  callboard client-config --client cursor --url http://localhost:7007 --write
  callboard actions list --url http://localhost:7007
  callboard actions call todo.create-item title="Water the plants"

Ends with 0 if all went well, 1 if a call failed, 2 if the command line is wrong, 3 if the server does
not answer, 4 if you are not signed in or not allowed, 5 if a person has to approve first.`;

/** All commands. Each adds itself; a new one is a line here. */
export function createProgram(surroundings: Surroundings): Command {
  const program = new Command('callboard')
    .description('Connects MCP clients to a Callboard server, and calls its actions from a terminal.')
    .version(version)
    .option('--debug', 'show where an error comes from')
    .addHelpText('after', examples)
    .showHelpAfterError('(--help shows what is expected)')
    .exitOverride()
    .configureOutput({
      writeOut: text => surroundings.stdout.write(text),
      writeErr: text => surroundings.stderr.write(text),
    });
  addBridgeCommand(program, surroundings);
  addMcpCommand(program, surroundings);
  addClientConfigCommand(program, surroundings);
  addActionsCommands(program, surroundings);
  addLoginCommands(program, surroundings);
  addCompletionCommand(program, surroundings);
  return program;
}
