import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findForbiddenImports } from './lib/importRules.mjs';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'import-rules-'));
  write('package.json', { workspaces: ['packages/*', 'plugins/*', 'test'], devDependencies: { vitest: '4' } });
  addPackage('packages/actions-api', '@callboard/actions-api', {});
  addPackage('packages/actions', '@callboard/actions', { '@callboard/actions-api': '1', zod: '4' });
  addPackage('packages/test-utils', '@callboard/test-utils', {});
  addPackage('plugins/todo', '@callboard/plugin-todo', {
    '@callboard/actions-api': '1',
    '@callboard/actions': '1',
    '@callboard/plugin-mail': '1',
    '@callboard/test-utils': '1',
  });
  addPackage('plugins/mail', '@callboard/plugin-mail', {});
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

test('imports along the arrows are fine, in every form', () => {
  write(
    'packages/actions/src/index.ts',
    `import { readFile } from 'node:fs/promises';
import {
  contract,
} from '@callboard/actions-api';
import type { Schema } from 'zod/v4';
export * from './other.js';
const lazy = import('zod');`,
  );

  expect(findForbiddenImports(root)).toEqual([]);
});

test.each([
  [
    'against the arrows',
    'packages/actions-api/src/index.ts',
    `import x from '@callboard/actions';`,
    '@callboard/actions',
  ],
  ['between plugins', 'plugins/todo/src/plugin.ts', `import '@callboard/plugin-mail';`, '@callboard/plugin-mail'],
  ['past the contracts', 'plugins/todo/src/plugin.ts', `export { a } from '@callboard/actions';`, '@callboard/actions'],
  [
    'of test-utils outside of tests',
    'plugins/todo/src/a.ts',
    `const a = import('@callboard/test-utils');`,
    '@callboard/test-utils',
  ],
  [
    'into another package’s files',
    'plugins/todo/src/a.ts',
    `import type { M } from '../../mail/src/m.js';`,
    '../../mail/src/m.js',
  ],
  ['of what is not declared', 'packages/actions/src/a.ts', `import knex from 'knex';`, 'knex'],
  ['of development tools in what is published', 'packages/actions/src/a.ts', `import { vi } from 'vitest';`, 'vitest'],
])('imports %s are found', (_, file, source, specifier) => {
  write(file, source);

  expect(findForbiddenImports(root)).toEqual([expect.objectContaining({ file, imports: specifier })]);
});

test('tests may use test-utils and the tools of the root package', () => {
  write('plugins/todo/src/plugin.test.ts', `import { test } from 'vitest';\nimport '@callboard/test-utils';`);

  expect(findForbiddenImports(root)).toEqual([]);
});

test('imports in comments and strings do not count', () => {
  write(
    'plugins/todo/src/plugin.ts',
    `// import '@callboard/plugin-mail';
/*
import '@callboard/plugin-mail';
*/
const text = "see import('@callboard/plugin-mail')";`,
  );

  expect(findForbiddenImports(root)).toEqual([]);
});

function addPackage(folder: string, name: string, dependencies: Record<string, string>) {
  write(`${folder}/package.json`, { name, dependencies });
}

function write(path: string, content: string | object) {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
}
