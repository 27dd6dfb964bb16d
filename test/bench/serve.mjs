import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigReader } from '@backstage/config';
import { echoToolName } from './actions.mjs';
import { benchConfig } from './benchConfig.mjs';
import { createProductionBackend } from './productionBackend.mjs';
import { UsageError } from './usage.mjs';

/**
 * Runs a server to measure in this process, until a signal ends it.
 *
 * @param {ReturnType<typeof import('./serverOptions.mjs').readServerOptions>} options
 */
export async function serve({ actions, sources, port, token, isTokenMade }) {
  process.env.NODE_ENV = 'production';
  // Of what is written to a pipe that nobody reads, the server would stand still.
  process.env.LOG_LEVEL ??= 'error';
  const folder = mkdtempSync(join(tmpdir(), 'callboard-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const leave = () => process.exit();
  process.once('SIGINT', leave).once('SIGTERM', leave);
  const config = new ConfigReader(benchConfig({ port, sources, folder, token }));
  try {
    await createProductionBackend({ count: actions, sources, config }).start();
  } catch (error) {
    throw isPortTaken(error) ? new UsageError(`--port: expected a free port, got ${port}, which is in use`) : error;
  }
  // The backend, once it is up, ends in good order by itself.
  process.off('SIGINT', leave).off('SIGTERM', leave);
  console.log(`Callboard is ready, process ${process.pid}
  URL    http://127.0.0.1:${port}/api/mcp-actions/v1
  Token  ${isTokenMade ? token : 'that of MCP_TOKEN'}
  Tool   ${echoToolName}, one of ${actions} of ${sources} ${sources === 1 ? 'source' : 'sources'}`);
}

/** @returns Whether this error, or one that caused it, is that of a port in use. */
function isPortTaken(error) {
  return error?.code === 'EADDRINUSE' || [error?.cause, ...(error?.errors ?? [])].filter(Boolean).some(isPortTaken);
}
