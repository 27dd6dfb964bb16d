import { createBackend } from '@backstage/backend-defaults';
import { benchPlugins } from '../benchPlugins.mjs';

/** A stock backend with Callboard's gates and trail. */
export async function start({ count, sources }) {
  const backend = createBackend();
  for (const plugin of benchPlugins({ count, sources })) {
    backend.add(plugin);
  }
  backend.add(import('@callboard/plugin-audit-backend'));
  backend.add(import('@callboard/plugin-approvals-backend'));
  backend.add(import('@callboard/plugin-safety-backend'));
  backend.add(import('@callboard/plugin-mcp-actions-backend'));
  await backend.start();
}
