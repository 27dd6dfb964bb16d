import { randomBytes } from 'node:crypto';
import { parseOptions, readNumber, UsageError } from './usage.mjs';

export const serverHelp = `Runs a Callboard server to measure: all its plugins, production mode, a trail in files that is strict.

Usage: npm run bench:server -- [options]

  --actions <n>   how many actions, 1 to 5000, default 200
  --sources <n>   how many plugins register them, 1 to 100, default 1
  --port <n>      where it listens on the loopback address, 1 to 65535, default 7007
  --help

One action is named echo: its input is { "message": "…" }, and so is its output. The token for it comes from the environment
variable MCP_TOKEN, or is made up and shown. Data goes to a temporary folder, which is removed at the end. SIGINT or
SIGTERM ends it. Errors only are logged, unless LOG_LEVEL says otherwise.`;

/**
 * @param {string[]} argv
 * @param {Record<string, string | undefined>} env
 * @throws UsageError
 */
export function readServerOptions(argv, env) {
  const values = parseOptions(argv, {
    actions: { type: 'string', default: '200' },
    sources: { type: 'string', default: '1' },
    port: { type: 'string', default: '7007' },
    help: { type: 'boolean', default: false },
  });
  const actions = readNumber('--actions', values.actions, 1, 5_000);
  const sources = readNumber('--sources', values.sources, 1, 100);
  if (sources > actions) {
    throw new UsageError(`--sources: expected at most as many as --actions (${actions}), got ${sources}`);
  }
  const token = env.MCP_TOKEN || undefined;
  if (token !== undefined && !/^\S{8,}$/.test(token)) {
    throw new UsageError('MCP_TOKEN: expected at least 8 characters without spaces, or nothing');
  }
  return {
    help: values.help,
    actions,
    sources,
    port: readNumber('--port', values.port, 1, 65_535),
    token: token ?? randomBytes(24).toString('base64url'),
    isTokenMade: token === undefined,
  };
}
