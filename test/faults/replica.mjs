// The server of packages/backend in a process of its own, with the actions of the fault tests in place of the
// example's. Works on the built packages. Arguments: --config <file>, as for the server.
import { actionsConfigSection } from '@callboard/actions';
import { createBackend, readStopTimes } from '@callboard/backend-defaults';
import { approvalsConfigSection } from '@callboard/plugin-approvals-backend';
import { auditConfigSection } from '@callboard/plugin-audit-backend';
import { authConfigSection } from '@callboard/plugin-auth-backend';
import { mcpConfigSection } from '@callboard/plugin-mcp-actions-backend';
import { safetyConfigSection } from '@callboard/plugin-safety-backend';
import { loadHostConfig } from '../../packages/backend/dist/hostConfig.js';
import { stopInTime } from '../../packages/backend/dist/stopInTime.js';
import { faultsPlugin } from './faultsPlugin.mjs';

const { config } = await loadHostConfig({
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
backend.add(import('@callboard/plugin-audit-backend'));
backend.add(import('@callboard/plugin-approvals-backend'));
backend.add(import('@callboard/plugin-safety-backend'));
backend.add(import('@callboard/plugin-auth-backend'));
backend.add(import('@callboard/plugin-mcp-actions-backend'));
backend.add(faultsPlugin);
await backend.start();
