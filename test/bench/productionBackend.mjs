import { createBackend } from '@callboard/backend-defaults';
import { benchPlugins } from './benchPlugins.mjs';

/**
 * The server of `packages/backend`, with actions to measure in place of the example's: all of Callboard's plugins,
 * nothing left out.
 *
 * @param config - Read from files, as `npm start` does it, if not given.
 */
export function createProductionBackend({ count, sources, config }) {
  const backend = createBackend({ config });
  backend.add(import('@callboard/plugin-audit-backend'));
  backend.add(import('@callboard/plugin-approvals-backend'));
  backend.add(import('@callboard/plugin-safety-backend'));
  backend.add(import('@callboard/plugin-auth-backend'));
  backend.add(import('@callboard/plugin-mcp-actions-backend'));
  for (const plugin of benchPlugins({ count, sources })) {
    backend.add(plugin);
  }
  return backend;
}
