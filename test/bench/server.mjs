// The process that is measured.
import { dealActions, sourceId } from './actions.mjs';

// Before anything slow: it must not outlive the process that measures it.
process.on('disconnect', () => process.exit());

const { host, plugin, count, sources } = JSON.parse(process.env.BENCH_SERVER);

const { createBackend } = await import(host);
const { createBackendPlugin } = await import('@backstage/backend-plugin-api');
const { actionsRegistryServiceRef } = await import('@backstage/backend-plugin-api/alpha');

const backend = createBackend();
dealActions({ count, sources }).forEach((actions, index) => {
  backend.add(
    createBackendPlugin({
      pluginId: sourceId(index),
      register(env) {
        env.registerInit({
          deps: { actionsRegistry: actionsRegistryServiceRef },
          async init({ actionsRegistry }) {
            for (const action of actions) {
              actionsRegistry.register(action);
            }
          },
        });
      },
    }),
  );
});
backend.add(import(plugin));
await backend.start();

process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send({ cpuMicroseconds: user + system, residentBytes: process.memoryUsage.rss() });
});
