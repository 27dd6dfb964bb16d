import type { Command } from 'commander';
import type { Surroundings } from '../Surroundings.js';
import { accessServer } from '../server/connectServer.js';
import { addServerOptions, callerHeaders, readServerOptions } from '../server/serverOptions.js';
import { Bridge } from './Bridge.js';

/** `callboard bridge`: for clients that start a program and speak with it over its standard streams. */
export function addBridgeCommand(program: Command, surroundings: Surroundings): void {
  const command = program
    .command('bridge')
    .summary('connect a client that only speaks stdio to a remote server')
    .description(
      'Connects an MCP client that only speaks stdio to a remote MCP server. The client starts this command; ' +
        'what it says goes to the server over Streamable HTTP, or HTTP+SSE where the server knows nothing else. ' +
        'Without a token, a page opens in the browser to sign in and approve.',
    );
  addServerOptions(command).action(async given => {
    const note = (text: string) => surroundings.stderr.write(`callboard: ${text}\n`);
    const server = readServerOptions(given, surroundings, note);
    const stopping = new AbortController();
    const signal = surroundings.stopSignal
      ? AbortSignal.any([surroundings.stopSignal, stopping.signal])
      : stopping.signal;
    const access = accessServer(server, surroundings, { say: note, isInteractive: true, signal });
    try {
      await new Bridge({
        url: server.urls.mcp,
        fetch: access.fetch,
        headers: callerHeaders(server),
        input: surroundings.stdin,
        output: surroundings.takeStdout?.() ?? surroundings.stdout,
        note,
      }).run(signal);
    } finally {
      stopping.abort();
      await access.close();
    }
  });
}
