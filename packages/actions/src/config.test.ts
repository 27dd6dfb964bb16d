import { ConfigReader } from '@backstage/config';
import { afterEach, describe, expect, test } from 'vitest';
import { readActionsConfig } from './config.js';
import { actionsPlugin } from './testing/actionsPlugin.js';
import { startTestBackend, type TestBackend } from './testing/startTestBackend.js';

const read = (actions?: unknown) => readActionsConfig(new ConfigReader({ backend: { actions: actions as never } }));

function mistakesIn(actions: unknown): string[] {
  try {
    read(actions);
    return [];
  } catch (error) {
    const [heading, ...mistakes] = (error as Error).message.split('\n');
    expect(heading).toBe('Wrong configuration:');
    expect((error as Error).name).toBe('InputError');
    return mistakes.map(line => line.trim());
  }
}

describe('what is not given', () => {
  test.each([[undefined], [{}]])('has defaults: %j', actions => {
    expect(read(actions)).toEqual({
      pluginSources: undefined,
      filter: {},
      remote: { cacheSeconds: 30, timeoutSeconds: 5, invokeTimeoutSeconds: 300 },
    });
  });

  test('does not depend on there being a backend section', () => {
    expect(readActionsConfig(new ConfigReader({})).pluginSources).toBeUndefined();
  });

  test('beside what is given keeps its default', () => {
    expect(read({ remote: { cacheSeconds: 0 } }).remote).toEqual({
      cacheSeconds: 0,
      timeoutSeconds: 5,
      invokeTimeoutSeconds: 300,
    });
  });
});

test('what is given is read', () => {
  const actions = {
    pluginSources: ['todo', 'catalog'],
    filter: { include: [{ id: 'todo:*', attributes: { readOnly: true } }], exclude: [{}] },
    remote: { cacheSeconds: 1, timeoutSeconds: 0.5, invokeTimeoutSeconds: 60 },
  };

  expect(read(actions)).toEqual(actions);
});

test('no sources at all are not the same as none given', () => {
  expect(read({ pluginSources: [] }).pluginSources).toEqual([]);
});

describe('a mistake is named with its path, what was expected and what came', () => {
  test.each<[unknown, string]>([
    [{ pluginSource: ['todo'] }, 'backend.actions.pluginSource: there is no such key'],
    [{ pluginSources: 'todo' }, 'backend.actions.pluginSources: expected array, got "todo"'],
    [{ pluginSources: [1] }, 'backend.actions.pluginSources.0: expected string, got 1'],
    [
      { pluginSources: [''] },
      'backend.actions.pluginSources.0: Too small: expected string to have >=1 characters, got ""',
    ],
    [{ filter: [] }, 'backend.actions.filter: expected object, got []'],
    [{ filter: { includes: [] } }, 'backend.actions.filter.includes: there is no such key'],
    [{ filter: { include: {} } }, 'backend.actions.filter.include: expected array, got {}'],
    [{ filter: { exclude: [{ ids: 'a' }] } }, 'backend.actions.filter.exclude.0.ids: there is no such key'],
    [
      { filter: { include: [{ attributes: { readonly: true } }] } },
      'backend.actions.filter.include.0.attributes.readonly: there is no such key',
    ],
    [
      { filter: { include: [{ attributes: { readOnly: 'yes' } }] } },
      'backend.actions.filter.include.0.attributes.readOnly: expected boolean, got "yes"',
    ],
    [{ remote: { ttl: 5 } }, 'backend.actions.remote.ttl: there is no such key'],
    [
      { remote: { cacheSeconds: 'half a minute' } },
      'backend.actions.remote.cacheSeconds: expected number, got "half a minute"',
    ],
    [
      { remote: { timeoutSeconds: 0 } },
      'backend.actions.remote.timeoutSeconds: Too small: expected number to be >=0.1, got 0',
    ],
    [
      { remote: { timeoutSeconds: 301 } },
      'backend.actions.remote.timeoutSeconds: Too big: expected number to be <=300, got 301',
    ],
    ['todo', 'backend.actions: expected object, got "todo"'],
    [['todo'], 'backend.actions: expected object, got ["todo"]'],
  ])('%j', (actions, mistake) => {
    expect(mistakesIn(actions)).toEqual([mistake]);
  });

  test('and all mistakes are named at once', () => {
    const mistakes = mistakesIn({
      pluginSource: ['todo'],
      pluginSources: [1, true],
      filter: { include: [{ attributes: { readOnly: 1, safe: true } }] },
      remote: { cacheSeconds: -1, timeoutSeconds: 'long' },
    });

    expect(mistakes.map(mistake => mistake.split(': ')[0]).sort()).toEqual([
      'backend.actions.filter.include.0.attributes.readOnly',
      'backend.actions.filter.include.0.attributes.safe',
      'backend.actions.pluginSource',
      'backend.actions.pluginSources.0',
      'backend.actions.pluginSources.1',
      'backend.actions.remote.cacheSeconds',
      'backend.actions.remote.timeoutSeconds',
    ]);
  });

  test('and keys that are names of something else in JavaScript are mistakes, too', () => {
    const actions = JSON.parse('{"constructor":1,"toString":{}}');

    expect(mistakesIn(actions).sort()).toEqual([
      'backend.actions.constructor: there is no such key',
      'backend.actions.toString: there is no such key',
    ]);
  });
});

describe('a backend', () => {
  let backend: TestBackend | undefined;
  afterEach(() => backend?.stop());

  test('with a mistyped key does not start', async () => {
    const start = async () => {
      backend = await startTestBackend({
        features: [actionsPlugin('todo', () => {})],
        backendConfig: { actions: { pluginSource: ['todo'] } },
      });
    };

    await expect(start()).rejects.toThrow('backend.actions.pluginSource: there is no such key');
  });
});
