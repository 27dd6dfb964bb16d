// What the server consists of. `index.ts` loads it in one go, with `require`: by `import`, Node waits for each of the
// hundreds of files on its own, which takes a sixth longer.
export { actionsConfigSection } from '@callboard/actions';
export { createBackend, readStopTimes } from '@callboard/backend-defaults';
export { approvalsConfigSection } from '@callboard/plugin-approvals-backend';
export { auditConfigSection } from '@callboard/plugin-audit-backend';
export { authConfigSection } from '@callboard/plugin-auth-backend';
export { default as todoPlugin } from '@callboard/plugin-example-todo-backend';
export { mcpConfigSection } from '@callboard/plugin-mcp-actions-backend';
export { safetyConfigSection } from '@callboard/plugin-safety-backend';
export { loadHostConfig } from './hostConfig.js';
export { renderStartFailure } from './startFailure.js';
export { startupBanner } from './startupBanner.js';
export { stopInTime } from './stopInTime.js';
