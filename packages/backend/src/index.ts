import { createRequire } from 'node:module';

const {
  actionsConfigSection,
  approvalsConfigSection,
  auditConfigSection,
  authConfigSection,
  createBackend,
  loadHostConfig,
  mcpConfigSection,
  readStopTimes,
  renderStartFailure,
  safetyConfigSection,
  startupBanner,
  stopInTime,
}: typeof import('./parts.js') = createRequire(import.meta.url)('./parts.js');

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
  const { delayMs, drainMs } = readStopTimes(config);
  stopInTime({ graceMs: delayMs + drainMs, process, tell: message => process.stderr.write(message) });
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
