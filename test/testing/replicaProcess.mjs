// A replica in a process of its own, which tests kill. Works on the built packages.
import { ConfigReader } from '@backstage/config';
import { createBackend } from '@callboard/backend-defaults';
import mcpFeatures from '@callboard/plugin-mcp-actions-backend';
import { waiterPlugin } from './waiterPlugin.mjs';

const [config] = process.argv.slice(2);
const backend = createBackend({ config: new ConfigReader(JSON.parse(config)) });
backend.add(mcpFeatures);
backend.add(waiterPlugin);
await backend.start();
process.stdout.write('\nready to be killed\n');
