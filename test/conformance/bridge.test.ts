import { createRequire } from 'node:module';
import { join } from 'node:path';
import { startStdioFront } from '../testing/stdioFront.js';
import { describeServerConformance } from './describeServerConformance.js';
import { fixturesPath, startFixtures } from './startFixtures.js';

const cli = join(createRequire(import.meta.url).resolve('@callboard/cli/package.json'), '../dist/bin.js');

describeServerConformance('callboard bridge, static token', async () => {
  const app = await startFixtures();
  try {
    const front = await startStdioFront({
      command: process.execPath,
      args: [cli, 'bridge', '--url', `${app.url}${fixturesPath}`, '--token', app.token],
      env: {},
    });
    return {
      url: front.url,
      stop: async () => {
        await front.close();
        await app.stop();
      },
    };
  } catch (error) {
    await app.stop();
    throw error;
  }
});
