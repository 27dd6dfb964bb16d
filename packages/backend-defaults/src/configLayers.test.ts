import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConfigSource, EnvConfigSource, FileConfigSource } from '@backstage/config-loader';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Environment, readConfigFile, readConfigVariables } from './configLayers.js';

const env = { NAME: 'Ada', EMPTY: '', FILE: 'note.txt' };
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-layers-'));
  write('note.txt', 'a note\n\n');
  write('title.yaml', 'title: "${NAME} and ${NAME}"\nlist: [1, { $env: NAME }]\nempty:\n');
  write('sub/deep.yaml', 'inner: { $file: beside.txt }\n');
  write('sub/beside.txt', 'beside');
  write('data.json', '{ "a": { "b": "${NAME}", "c": [true, null] } }');
  write('broken.json', '{');
  write('odd.toml', '');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a file is read as Backstage reads it', () => {
  test.each([
    ['', undefined],
    ['# nothing\n', undefined],
    ['app: { title: x, at: 2020-01-01, octal: 0o17, yes: yes, on: true, none: null, big: 1e3 }', undefined],
    ['a: &x { b: 1 }\nc: *x\nd: { <<: *x }', undefined],
    ['app: "${NAME}"', { app: 'Ada' }],
    ['app: "Hello ${ NAME }, ${NAME:-Eve}, ${NOBODY:-Eve}, ${EMPTY:- Eve }."', { app: 'Hello Ada, Ada, Eve, Eve.' }],
    ['app: "${EMPTY}"', { app: '' }],
    ['app: "$${NAME} $NAME ${} {NAME} $$ ${NAME"', undefined],
    ['app: "${NOBODY:-}"\nlist: [a, "${NOBODY}", b]\nmore: { $env: NOBODY }', { list: ['a', 'b'] }],
    ['app: { $file: note.txt }', { app: 'a note' }],
    ['app: { $file: "${FILE}" }', { app: 'a note' }],
    ['app: { $env: NAME }', { app: 'Ada' }],
    ['app: { $include: title.yaml }', { app: { title: 'Ada and Ada', list: [1, 'Ada'], empty: null } }],
    ['app: { $include: "title.yaml#title" }', { app: 'Ada and Ada' }],
    ['app: { $include: "data.json#a.c" }', { app: [true, null] }],
    ['app: { $include: "data.json#a.x" }', {}],
    ['app: { $include: sub/deep.yaml }', { app: { inner: 'beside' } }],
    ['$include: title.yaml', undefined],
    ['app: [{ $file: note.txt }, { $include: "data.json#a.b" }]', { app: ['a note', 'Ada'] }],
  ])('%j', async (content, expected) => {
    write('app.yaml', content);

    const data = await read();

    expect(data).toEqual(await readAsBackstage());
    if (expected) {
      expect(data).toEqual(expected);
    }
  });
});

describe('what cannot be read is told in the same words', () => {
  test.each([
    'a: "unfinished',
    '- a\n- b',
    'text',
    'app: { $file: absent.txt }',
    'app: { $file: sub }',
    'app: { $file: [a] }',
    'app: { $file: note.txt, title: x }',
    'app: { deep: [1, { $include: "${NOBODY}" }] }',
    'app: { $include: absent.yaml }',
    'app: { $include: broken.json }',
    'app: { $include: odd.toml }',
    'app: { $include: "data.json#a.b.c" }',
    '$include: "title.yaml#title"',
  ])('%j', async content => {
    write('app.yaml', content);

    const problem = await read().then(String, error => error.message);

    const theirs = await readAsBackstage().then(String, error => error.message);
    expect(problem).toBe(theirs.replace(`Failed to read config file at "${join(folder, 'app.yaml')}", `, ''));
    expect(problem).not.toBe('[object Object]');
  });
});

test('each variable that is not set is told with the key of the value that is left out', async () => {
  write('app.yaml', 'app: { a: "${ONE} ${TWO}", b: [x, { $env: THREE }], c: "${FOUR:-}", d: "${FIVE:-five}" }');
  const unset: string[] = [];

  await readConfigFile(join(folder, 'app.yaml'), {
    env,
    onUnset: ({ key, variable }) => unset.push(`${key} ${variable}`),
  });

  expect(unset).toEqual(['app.a ONE', 'app.a TWO', 'app.b[1] THREE', 'app.c FOUR']);
});

describe('variables are read as Backstage reads them', () => {
  test.each<Environment>([
    { PATH: '/bin', APP_CONFIG: 'x' },
    { APP_CONFIG_app_title: 'Mine', APP_CONFIG_app_port: '8080', APP_CONFIG_app_list: '[1, {"a": true}]' },
    { APP_CONFIG_app: '{"a": 1}', APP_CONFIG_app_b: '2', APP_CONFIG_empty: '' },
    { 'APP_CONFIG_a-b_c:d': '"quoted"', APP_CONFIG_n: '{not json' },
  ])('%j', async variables => {
    expect(readConfigVariables(variables)).toEqual(await readVariablesAsBackstage(variables));
  });

  test.each<Environment>([
    { APP_CONFIG_: 'x' },
    { APP_CONFIG_a__b: 'x' },
    { APP_CONFIG_1a: 'x' },
    { APP_CONFIG_a: 'null' },
    { APP_CONFIG_a: 'text', APP_CONFIG_a_b: 'x' },
    { APP_CONFIG_a_b: 'x', APP_CONFIG_a: 'text' },
    { APP_CONFIG_a: '[1]', APP_CONFIG_a_b: 'x' },
    { APP_CONFIG_constructor: 'x' },
  ])('%j is refused in the same words', async variables => {
    const theirs = await readVariablesAsBackstage(variables).then(String, error => error.message);

    expect(() => readConfigVariables(variables)).toThrow(theirs);
  });
});

function read() {
  return readConfigFile(join(folder, 'app.yaml'), { env, onUnset: () => {} });
}

async function readAsBackstage() {
  const source = FileConfigSource.create({
    path: join(folder, 'app.yaml'),
    watch: false,
    substitutionFunc: async name => env[name as keyof typeof env],
  });
  return firstOf(source);
}

async function readVariablesAsBackstage(variables: Environment) {
  return firstOf(EnvConfigSource.create({ env: variables }));
}

async function firstOf(source: ConfigSource) {
  for await (const { configs } of source.readConfigData()) {
    return configs[0]?.data;
  }
  return undefined;
}

function write(path: string, content: string) {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), content);
}
