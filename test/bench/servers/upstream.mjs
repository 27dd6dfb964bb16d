import { createBackend } from '@backstage/backend-defaults';
import { benchPlugins } from '../benchPlugins.mjs';

export async function start({ count, sources }) {
  const backend = createBackend();
  for (const plugin of benchPlugins({ count, sources })) {
    backend.add(plugin);
  }
  backend.add(import('@backstage/plugin-mcp-actions-backend'));
  await backend.start();
}
