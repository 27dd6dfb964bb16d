import { actionsConfigSection } from '@callboard/actions';
import { createBackend } from '@callboard/backend-defaults';
import { approvalsConfigSection } from '@callboard/plugin-approvals-backend';
import { auditConfigSection } from '@callboard/plugin-audit-backend';
import { authConfigSection } from '@callboard/plugin-auth-backend';
import { mcpConfigSection } from '@callboard/plugin-mcp-actions-backend';
import { safetyConfigSection } from '@callboard/plugin-safety-backend';
import { loadHostConfig } from './hostConfig.js';
import { renderStartFailure } from './startFailure.js';
import { startupBanner } from './startupBanner.js';

try {
  const { config, generatedToken } = await loadHostConfig({
    sections: [
      actionsConfigSection,
      mcpConfigSection,
      authConfigSection,
      auditConfigSection,
      approvalsConfigSection,
      safetyConfigSection,
    ],
  });
  const backend = createBackend({ config });
  backend.add(startupBanner({ generatedToken }));
  backend.add(import('@callboard/plugin-audit-backend'));
  backend.add(import('@callboard/plugin-approvals-backend'));
  backend.add(import('@callboard/plugin-safety-backend'));
  backend.add(import('@callboard/plugin-auth-backend'));
  backend.add(import('@callboard/plugin-mcp-actions-backend'));
  backend.add(import('@callboard/plugin-example-todo-backend'));
  await backend.start();
} catch (error) {
  process.stderr.write(renderStartFailure(error));
  process.exit(1);
}
