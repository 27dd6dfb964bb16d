import type { Command, OptionValues } from 'commander';
import { describeCause, UsageError } from '../errors.js';
import type { Surroundings } from '../Surroundings.js';
import { createSignIn, openCredentialStore } from '../server/connectServer.js';
import { createHttpClient } from '../server/httpClient.js';
import { addServerOptions, readServerOptions } from '../server/serverOptions.js';
import { readServerUrl } from '../server/serverUrl.js';
import { Output } from '../terminal/Output.js';
import type { Credentials } from './CredentialStore.js';

const REVOCATION_TIMEOUT_MS = 10_000;

/** `callboard login` and `callboard logout`. */
export function addLoginCommands(program: Command, surroundings: Surroundings): void {
  const output = new Output(surroundings);

  addServerOptions(
    program
      .command('login')
      .summary('sign in to a server in the browser')
      .description('Opens the browser to sign in and approve, and keeps the tokens for the other commands.'),
  ).action(async (given: OptionValues) => {
    const { token: _, tokenEnv: __, ...rest } = given;
    const server = readServerOptions(rest, { env: { ...surroundings.env, CALLBOARD_TOKEN: undefined } }, output.note);
    const http = createHttpClient();
    try {
      const signal = surroundings.stopSignal ?? new AbortController().signal;
      await createSignIn(server, surroundings, {
        say: text => output.note(text),
        isInteractive: true,
        signal,
        fetch: http.fetch,
      }).signIn();
      output.print(`Signed in to ${server.urls.mcp.href}`);
    } finally {
      await http.close();
    }
  });

  program
    .command('logout')
    .summary('forget and take back the tokens of a server')
    .description('Takes back the tokens of a server, as far as it has a way, and forgets them.')
    .option('--url <url>', 'the MCP server (env: CALLBOARD_URL)')
    .option('--all', 'every server')
    .action(async ({ url = surroundings.env.CALLBOARD_URL, all }: { url?: string; all?: boolean }) => {
      if (!url && !all) {
        throw new UsageError('Which server? Give its URL with --url or in CALLBOARD_URL, or --all');
      }
      const store = openCredentialStore(surroundings);
      const href = url && !all ? readServerUrl(url, '--url').mcp.href : undefined;
      const kept = (await store.list()).filter(credentials => href === undefined || credentials.url === href);
      for (const credentials of kept) {
        const problem = await revoke(credentials);
        await store.remove(credentials.url);
        if (problem) {
          output.note(`The tokens for ${credentials.url} are forgotten here, but still good there: ${problem}`);
        } else {
          output.print(`Signed out of ${credentials.url}`);
        }
      }
      if (kept.length === 0) {
        output.print(href ? `Not signed in to ${href}` : 'Not signed in anywhere');
      }
    });
}

/** @returns why the tokens could not be taken back. */
async function revoke({ tokens, client, revocationEndpoint }: Credentials): Promise<string | undefined> {
  const token = tokens?.refresh_token ?? tokens?.access_token;
  if (!token) {
    return undefined;
  }
  if (!revocationEndpoint) {
    return 'the server has no way to take them back';
  }
  const http = createHttpClient();
  try {
    const response = await http.fetch(revocationEndpoint, {
      method: 'POST',
      body: new URLSearchParams({ token, ...(client && { client_id: client.client_id }) }).toString(),
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      signal: AbortSignal.timeout(REVOCATION_TIMEOUT_MS),
    });
    return response.ok ? undefined : `the server answered with ${response.status}`;
  } catch (error) {
    return describeCause(error);
  } finally {
    await http.close();
  }
}
