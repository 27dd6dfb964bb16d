import { createBackend } from '@callboard/backend-defaults';
import { loadHostConfig } from './hostConfig.js';
import { renderStartFailure } from './startFailure.js';
import { startupBanner } from './startupBanner.js';

try {
  const { config, generatedToken } = await loadHostConfig();
  const backend = createBackend({ config });
  backend.add(startupBanner({ generatedToken }));
  backend.add(import('@callboard/plugin-auth-backend'));
  backend.add(import('@callboard/plugin-mcp-actions-backend'));
  backend.add(import('@callboard/plugin-example-todo-backend'));
  await backend.start();
} catch (error) {
  process.stderr.write(renderStartFailure(error));
  process.exit(1);
}
