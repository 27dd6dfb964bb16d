import { join } from 'node:path';
import { build, isBuilt } from './build.mjs';
import { install, isInstalled } from './install.mjs';
import { withLock } from './lock.mjs';
import { rootDir } from './paths.mjs';

/**
 * Installs and builds what is missing or older than what it is made from. Does nothing and says
 * nothing when all is there.
 *
 * @param {{ install: 'run' | 'full', build?: 'run' | 'full' }} wanted `run` is what `npm start` needs,
 *   `full` what tests and checks need, too.
 */
export async function setUp({ install: installMode, build: buildMode }) {
  const isReady = () => isInstalled(installMode) && (buildMode === undefined || isBuilt(buildMode));
  if (isReady()) {
    return;
  }
  await withLock(join(rootDir, '.stamps/setup.lock'), async () => {
    if (!isInstalled(installMode)) {
      await install(installMode);
    }
    if (buildMode !== undefined && !isBuilt(buildMode)) {
      await build(buildMode);
    }
  });
}
