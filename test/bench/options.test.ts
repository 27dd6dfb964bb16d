import { describe, expect, it } from 'vitest';
import { groups, quickGroups, serverKeyOf } from './cases.mjs';
import { readBenchOptions } from './options.mjs';
import { readServerOptions } from './serverOptions.mjs';
import { getServer } from './servers.mjs';

describe('the options of the benchmark', () => {
  it('measure every group unless told otherwise', () => {
    expect(readBenchOptions([])).toMatchObject({ groups, rounds: 5, seconds: 2, memory: false, writeDocs: false });
    expect(readBenchOptions(['--quick'])).toMatchObject({ groups: quickGroups, rounds: 3, seconds: 1 });
  });

  it('choose cases by group, server and number of actions', () => {
    const chosen = readBenchOptions([
      '--groups',
      'sizes',
      '--servers',
      'standalone,upstream',
      '--actions',
      '1,10',
    ]).groups;

    expect(chosen.map(({ id }) => id)).toEqual(['sizes']);
    expect(chosen[0]?.cases.map(({ request, server, actions }) => `${request} ${server} ${actions}`)).toEqual([
      'tools/call standalone 1',
      'tools/call standalone 10',
      'tools/call upstream 1',
      'tools/call upstream 10',
      'tools/list standalone 1',
      'tools/list standalone 10',
    ]);
  });

  it.each([
    [['--rounds', '0'], '--rounds: expected a whole number from 1 to 20, got 0'],
    [['--seconds', 'many'], '--seconds: expected a whole number from 1 to 60, got many'],
    [['--soak', '0.1'], '--soak: expected a number from 0.5 to 1440, got 0.1'],
    [['--servers', 'ours'], 'got ours'],
    [['--groups', 'quick'], '--groups: expected servers, sizes, eras, tokens, got quick'],
    [['--quick', '--memory'], 'expected one of them at most'],
    [['--quick', '--write-docs'], '--write-docs: expected a full run, got --quick'],
    [['--servers', 'upstream', '--actions', '7'], 'expected a choice that leaves a case to measure'],
    [['--speed'], '--speed'],
  ])('%j are refused with what was expected', (argv, message) => {
    expect(() => readBenchOptions(argv)).toThrow(message);
  });
});

describe('the options of the server to measure', () => {
  it('make up a token unless the environment has one', () => {
    const given = readServerOptions(['--actions', '30', '--sources', '3', '--port', '7100'], {
      MCP_TOKEN: 'of-my-own',
    });
    const made = readServerOptions([], {});

    expect(given).toEqual({
      help: false,
      actions: 30,
      sources: 3,
      port: 7100,
      token: 'of-my-own',
      isTokenMade: false,
    });
    expect(made).toMatchObject({
      actions: 200,
      sources: 1,
      token: expect.stringMatching(/^\S{32}$/),
      isTokenMade: true,
    });
  });

  it.each([
    [['--actions', '0'], {}, '--actions: expected a whole number from 1 to 5000, got 0'],
    [['--actions', ''], {}, '--actions: expected a whole number from 1 to 5000, got nothing'],
    [['--actions', '2', '--sources', '3'], {}, '--sources: expected at most as many as --actions (2), got 3'],
    [['--port', '70000'], {}, '--port: expected a whole number from 1 to 65535, got 70000'],
    [[], { MCP_TOKEN: 'two words' }, 'MCP_TOKEN: expected at least 8 characters without spaces'],
  ])('%j with %j are refused with what was expected', (argv, env, message) => {
    expect(() => readServerOptions(argv, env)).toThrow(message);
  });
});

describe('the cases', () => {
  const cases = [...groups, ...quickGroups].flatMap(group => group.cases.map(benchCase => ({ group, benchCase })));

  it('ask no server for what it does not speak, and deal an action to each source', () => {
    const impossible = cases.filter(
      ({ benchCase: { server, era, actions, sources } }) => !getServer(server).eras.includes(era) || sources > actions,
    );

    expect(impossible).toEqual([]);
  });

  it('are each measured once in a group', () => {
    for (const group of [...groups, ...quickGroups]) {
      const keys = group.cases.map(benchCase => JSON.stringify([benchCase, serverKeyOf(benchCase)]));

      expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
    }
  });
});
