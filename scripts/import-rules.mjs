// Holds imports to the directions that lib/importRules.mjs lists, and prints those that go astray.
import { findForbiddenImports } from './lib/importRules.mjs';
import { rootDir } from './lib/paths.mjs';

const forbidden = findForbiddenImports(rootDir);
for (const { file, imports, reason } of forbidden) {
  console.error(`${file} imports ${imports}: ${reason}`);
}
console.log(forbidden.length === 0 ? 'All imports go the right way.' : `${forbidden.length} imports go the wrong way.`);
process.exitCode = forbidden.length === 0 ? 0 : 1;
