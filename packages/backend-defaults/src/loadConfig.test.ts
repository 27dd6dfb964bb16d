import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfig } from './loadConfig.js';

let rootDir: string;

beforeEach(() => {
  rootDir = mkdtempSync(join(tmpdir(), 'load-config-'));
});

afterEach(() => rmSync(rootDir, { recursive: true, force: true }));

test('app-config.yaml is read, and app-config.local.yaml on top of it', async () => {
  write('app-config.yaml', 'app: { title: Shared, locale: en }');
  write('app-config.local.yaml', 'app: { title: Mine }');

  const config = await load();

  expect(config.get('app')).toEqual({ title: 'Mine', locale: 'en' });
});

test('files that are named replace the usual ones, the last one wins, and paths start at the working directory', async () => {
  write('app-config.yaml', 'app: { title: Usual }');
  write('one.yaml', 'app: { title: One, locale: en }');
  write('sub/two.yaml', 'app: { title: Two }');

  const config = await load(['--config', '../one.yaml', '--config=two.yaml'], { cwd: join(rootDir, 'sub') });

  expect(config.get('app')).toEqual({ title: 'Two', locale: 'en' });
});

test('variables go over files and into them', async () => {
  write(
    'app-config.yaml',
    'app: { title: "${TITLE}", port: 1, note: { $file: note.txt }, more: { $include: more.yaml } }',
  );
  write('note.txt', 'from a file');
  write('more.yaml', 'a: 1');

  const config = await load([], { env: { TITLE: 'From the environment', APP_CONFIG_app_port: '8080' } });

  expect(config.get('app')).toEqual({
    title: 'From the environment',
    port: 8080,
    note: 'from a file',
    more: { a: 1 },
  });
});

test('everything that cannot be read is told at once', async () => {
  write('broken.yaml', 'app:\n  title: "unfinished\n');
  write('list.yaml', '- a\n- b\n');
  const argv = ['--config', 'absent.yaml', '--config', 'broken.yaml', '--config', 'list.yaml'];

  const failure = load(argv, { env: { APP_CONFIG_: 'x' } });

  await expect(failure).rejects.toThrow(`${join(rootDir, 'absent.yaml')}: there is no such file`);
  await expect(failure).rejects.toThrow(`${join(rootDir, 'broken.yaml')}: Missing closing "quote at line 3`);
  await expect(failure).rejects.toThrow(`${join(rootDir, 'list.yaml')}: expected object at config root`);
  await expect(failure).rejects.toThrow(`Invalid env config key`);
});

test('a missing app-config.yaml is told with its path', async () => {
  await expect(load()).rejects.toThrow(`${join(rootDir, 'app-config.yaml')}: there is no such file`);
});

test.each([[['--confg', 'a.yaml']], [['--config']], [['a.yaml']]])('the arguments %j are refused', async argv => {
  write('app-config.yaml', 'app: {}');

  await expect(load(argv)).rejects.toThrow(/^Wrong arguments: .*\n {2}expected: --config <file>/);
});

function load(argv: string[] = [], options: { cwd?: string; env?: Record<string, string> } = {}) {
  return loadConfig({ argv, rootDir, cwd: rootDir, env: {}, ...options });
}

function write(path: string, content: string) {
  mkdirSync(join(rootDir, path, '..'), { recursive: true });
  writeFileSync(join(rootDir, path), content);
}
