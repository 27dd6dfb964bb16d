import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { completeCase } from './cases.mjs';
import { fillMarkers } from './docsPage.mjs';
import { drawPlot } from './plot.mjs';
import { judgeFlatness } from './soak.mjs';

describe('the page in the documentation', () => {
  it('gets figures between its markers, again and again', () => {
    const page = 'Before\n\n<!-- speed -->\nold\n<!-- /speed -->\n\nAfter\n';

    const once = fillMarkers(page, 'speed', 'first\n');
    const twice = fillMarkers(once, 'speed', 'second');

    expect(once).toBe('Before\n\n<!-- speed -->\n\nfirst\n\n<!-- /speed -->\n\nAfter\n');
    expect(twice).toBe(once.replace('first', 'second'));
  });

  it('has to have both markers once', () => {
    expect(() => fillMarkers('<!-- speed -->', 'speed', '')).toThrow('Expected <!-- speed --> and <!-- /speed -->');
    expect(() => fillMarkers('<!-- /speed --> <!-- speed -->', 'speed', '')).toThrow('once each, in this order');
  });

  it.each(['speed', 'targets', 'memory', 'soak'])('has a place for %s', marker => {
    const page = readFileSync(new URL('../../docs/performance.md', import.meta.url), 'utf8');

    expect(fillMarkers(page, marker, 'figures')).toContain('figures');
  });
});

describe('the plot', () => {
  const row = (server: string, requestsPerSecond: number, more: object = {}) => ({
    group: 'servers',
    ...completeCase({ request: 'tools/call', server }),
    requestsPerSecond,
    ...more,
  });

  it('has a bar per case, as long as it is fast, in colours for light and dark', () => {
    const svg = drawPlot([row('ceiling', 10_000), row('standalone', 5_000), row('upstream', 0)]);

    const lengths = [...svg.matchAll(/<rect class="(\w+)"[^>]* width="([\d.]+)"/g)].map(([, kind, length]) => [
      kind,
      Number(length),
    ]);
    expect(lengths).toEqual([
      ['bar', expect.any(Number)],
      ['ours', Number(lengths[0]?.[1]) / 2],
      ['bar', 1],
    ]);
    expect(svg).toContain('>Callboard standalone</text>');
    expect(svg).toContain('@media (prefers-color-scheme: dark)');
  });

  it('has panels for what was measured only', () => {
    const titles = (svg: string) => [...svg.matchAll(/class="title"[^>]*>([^<]*)</g)].map(([, title]) => title);

    expect(titles(drawPlot([row('standalone', 1)]))).toEqual(['tools/call with 200 actions, requests per second']);
    expect(titles(drawPlot([row('standalone', 1), row('upstream', 1, { group: 'sizes' })]))).toEqual([
      'tools/call with 200 actions, requests per second',
      'tools/call by number of actions and sources, requests per second',
    ]);
  });
});

describe('memory under a long load', () => {
  const samples = (megabytes: number[]) =>
    megabytes.map(value => ({ residentMegabytes: value, heapMegabytes: value / 2 }));

  it('is flat if the last quarter holds no more than the second, whatever the first one did', () => {
    const verdicts = judgeFlatness(samples([50, 90, 100, 100, 120, 100, 104, 108]), 0);

    expect(verdicts.map(({ met }) => met)).toEqual([true, true, true]);
  });

  it('is not flat if it goes on growing', () => {
    const [resident, heap] = judgeFlatness(samples([100, 110, 120, 130, 140, 150, 160, 170]), 0);

    expect(resident).toMatchObject({ met: false, value: expect.closeTo(32) });
    expect(heap?.title).toBe('heap in use: 62.5 MB in the second quarter, 82.5 MB in the last');
  });

  it('does not count where requests failed', () => {
    expect(judgeFlatness(samples([1, 1, 1, 1]), 3).at(-1)).toMatchObject({ value: 3, met: false });
  });
});
