import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { faultsHelp, readFaultsOptions } from './options.mjs';
import { scenarios } from './scenarios/scenarios.mjs';

const page = readFileSync(fileURLToPath(new URL('../../docs/faults.md', import.meta.url)), 'utf8');
const markers = ['scenarios', 'in-flight', 'held', 'rates'];

describe('docs/faults.md', () => {
  it('tells of every scenario, and of no other', () => {
    const [, section = ''] = page.split('## Scenarios');
    const rows = section.split('<!--')[0]?.matchAll(/^\| (`[^|]+) \|/gm) ?? [];
    const told = [...rows].flatMap(([, cell = '']) => [...cell.matchAll(/`([^`]+)`/g)].map(([, id]) => id));

    expect(told).toEqual(scenarios.map(({ id }) => id));
  });

  it('names options that there are', () => {
    const named = [...page.matchAll(/--[a-z][a-z-]+/g)].map(([option]) => option);

    expect(named.filter(option => !faultsHelp.includes(String(option)))).toEqual([]);
  });

  it.each(markers)('has a place for the table %s', marker => {
    expect(page.split(`<!-- ${marker} -->`)).toHaveLength(2);
    expect(page.split(`<!-- /${marker} -->`)).toHaveLength(2);
  });
});

describe('the options', () => {
  it('choose all scenarios by default', () => {
    expect(readFaultsOptions([])).toMatchObject({ rate: 150, seconds: 20, minutes: undefined });
    expect(readFaultsOptions([]).ids).toEqual([...scenarios.map(({ id }) => id), 'in-flight']);
  });

  it.each([
    [['--scenario', 'kil'], '--scenario: expected'],
    [['--rate', '0'], '--rate: expected'],
    [['--mix', 'stateles=1'], '--mix: expected'],
    [['--minutes', '1', '--find-rate'], 'expected one of them at most'],
  ])('%j are refused', (argv, message) => {
    expect(() => readFaultsOptions(argv)).toThrow(message);
  });
});
