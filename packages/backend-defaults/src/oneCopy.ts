import Module, { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as zod from 'zod/v4';

/*
 * Some packages are asked for in two ways, and would be loaded twice. Whoever asks for the second copy gets the first:
 * entries in `require.cache` may be added (https://nodejs.org/api/modules.html#requirecache). Imported before anything
 * of Backstage.
 */
const require = createRequire(import.meta.url);

/** Backstage's connections require zod 4, which everything else imports: the same package, built twice. */
function shareZod(): void {
  const id = require.resolve('zod/v4');
  if (!require.cache[id]) {
    provide(id, zod);
  }
}

/** Two packages of Backstage have the same version of jose, each in a folder of its own. */
function shareJose(): void {
  const first = createRequire(require.resolve('@backstage/backend-defaults/package.json'));
  const second = createRequire(first.resolve('@backstage/plugin-auth-node/package.json'));
  const from = first.resolve('jose');
  const to = second.resolve('jose');
  if (from === to || require.cache[to] || first('jose/package.json').version !== second('jose/package.json').version) {
    return;
  }
  first('jose');
  require.cache[to] = require.cache[from];
}

/**
 * Backstage requires lodash as a whole, and other packages single functions of it, each of which is made of files of
 * its own: 260 for what is there already.
 */
function shareLodash(): void {
  const defaults = createRequire(require.resolve('@backstage/backend-defaults/package.json'));
  const lodash = defaults('lodash');
  const folder = dirname(defaults.resolve('lodash'));
  for (const [name, value] of Object.entries(lodash)) {
    const id = join(folder, `${name}.js`);
    if (typeof value === 'function' && !require.cache[id]) {
      provide(id, value);
    }
  }
}

/** Puts what is loaded already in the place of a file. */
function provide(id: string, exports: unknown): void {
  const module = new Module(id);
  module.filename = id;
  module.exports = exports;
  module.loaded = true;
  require.cache[id] = module;
}

try {
  shareZod();
  shareJose();
  shareLodash();
} catch {
  // Packages that lie or export something else than expected are loaded twice, as they would be anyhow.
}
