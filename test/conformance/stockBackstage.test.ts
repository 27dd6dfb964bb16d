import { StockBackend } from '../compat/StockBackend.js';
import { describeServerConformance } from './describeServerConformance.js';
import { startBearerProxy } from './startBearerProxy.js';
import { fixturesPath } from './startFixtures.js';

describeServerConformance('stock Backstage, static token', async () => {
  const backend = await StockBackend.start({
    configs: ['../conformance/app-config.fixtures.yaml'],
    env: { EXTRA_PLUGINS: '@callboard/test-conformance-fixtures' },
  });
  const proxy = await startBearerProxy({
    target: `${backend.baseUrl}${fixturesPath}`,
    token: 'compat-unrestricted-token',
  });
  return {
    url: proxy.url,
    stop: async () => {
      await proxy.stop();
      await backend.stop();
    },
  };
});
