import { describe, expect, it } from 'vitest';
import { completeCase } from './cases.mjs';
import { median } from './median.mjs';
import { amountColumns, renderTable, rowColumns, summarize, verdictColumns } from './report.mjs';
import { judgeTargets } from './targets.mjs';

const numbers = {
  requestsPerSecond: 10,
  p50Ms: 100,
  p99Ms: 200,
  cpuMicrosecondsPerRequest: 5_000,
  residentBytes: 2 ** 28,
  answerBytes: 2_048,
};

let index = 0;

function sample(changes: { server: string; [name: string]: unknown }) {
  index += 1;
  return { group: 'servers', index, round: 0, ...completeCase({ request: 'tools/call' }), ...numbers, ...changes };
}

describe('the median', () => {
  it('is the value in the middle, whatever the order', () => {
    expect(median([30, 10, 20])).toBe(20);
  });

  it('lies between the two values in the middle of an even number', () => {
    expect(median([40, 10, 20, 30])).toBe(25);
  });

  it('does not change the list', () => {
    const values = [3, 1, 2];

    median(values);

    expect(values).toEqual([3, 1, 2]);
  });

  it('of nothing is an error', () => {
    expect(() => median([])).toThrow('expected at least one value');
  });
});

describe('the summary', () => {
  it('has a row per case, with the median of its rounds', () => {
    const rows = summarize([
      sample({ server: 'upstream', index: 1, requestsPerSecond: 10 }),
      sample({ server: 'upstream', index: 1, requestsPerSecond: 90, round: 1 }),
      sample({ server: 'upstream', index: 1, requestsPerSecond: 11, round: 2 }),
      sample({ server: 'upstream', index: 2, request: 'tools/list', requestsPerSecond: 5 }),
      sample({ server: 'upstream', index: 3, actions: 1, requestsPerSecond: 300 }),
    ]);

    expect(rows.map(row => [row.actions, row.request, row.requestsPerSecond, row.rounds])).toEqual([
      [200, 'tools/call', 11, 3],
      [200, 'tools/list', 5, 1],
      [1, 'tools/call', 300, 1],
    ]);
  });

  it('compares with the first case of the same request in the same group', () => {
    const rows = summarize([
      sample({ server: 'sdk-v2', requestsPerSecond: 10, cpuMicrosecondsPerRequest: 5_000 }),
      sample({ server: 'ceiling', request: 'tools/list', requestsPerSecond: 300 }),
      sample({ server: 'sdk-v2', group: 'eras', requestsPerSecond: 1 }),
      sample({ server: 'standalone', requestsPerSecond: 150, cpuMicrosecondsPerRequest: 100 }),
    ]);

    expect(rows.at(0)).toMatchObject({ ratio: 1, cpuRatio: 1 });
    expect(rows.at(-1)).toMatchObject({ server: 'standalone', ratio: 15, cpuRatio: 50 });
  });
});

describe('the verdicts', () => {
  const verdictOf = (samples: object[], title: string) =>
    judgeTargets(samples).find(verdict => verdict.title.startsWith(title));
  const call = (server: string, requestsPerSecond: number, more: object = {}) =>
    sample({ server, requestsPerSecond, ...more });

  it('are met from the bound on', () => {
    const bareSdk = call('sdk-v2', 100, { actions: 1, cpuMicrosecondsPerRequest: 900 });
    const wanted = 'tools/call, 200 actions, to bare SDK v2';

    expect(verdictOf([bareSdk, call('standalone', 300, { cpuMicrosecondsPerRequest: 300 })], wanted)).toEqual({
      title: 'tools/call, 200 actions, to bare SDK v2 with one tool',
      wanted: 'at least 3 ×',
      value: 3,
      cpuRatio: 3,
      met: true,
    });
    expect(verdictOf([bareSdk, call('standalone', 299)], wanted)).toMatchObject({ met: false });
  });

  it('compare each round with the same round, so that a machine that slows down slows both', () => {
    const samples = [1, 0.5, 0.1].flatMap((pace, round) => [
      call('upstream', 10 * pace, { round }),
      call('standalone', 2_000 * pace, { round }),
    ]);

    expect(verdictOf(samples.reverse(), 'tools/call, 200 actions, to upstream')).toMatchObject({
      value: 200,
      met: true,
    });
  });

  it.each([
    [91, true],
    [89, false],
    [109, true],
    [112, false],
  ])('ask for the same either way: %i of 100', (rate, met) => {
    const samples = [call('standalone', 100), call('standalone', rate, { actions: 1_000 })];

    expect(verdictOf(samples, 'tools/call, 1,000 actions to 200')).toMatchObject({ met });
  });

  it('ask for a latency that is no longer', () => {
    const samples = [call('standalone', 1, { p99Ms: 20 }), call('sdk-v2', 1, { actions: 1, p99Ms: 20 })];

    expect(verdictOf(samples, 'p99')).toMatchObject({ wanted: 'at most 1 ×', value: 1, met: true });
    expect(verdictOf([...samples.slice(1), call('standalone', 1, { p99Ms: 21 })], 'p99')).toMatchObject({ met: false });
  });

  it('are open where no bound is set', () => {
    const samples = [call('standalone', 100), call('standalone', 50, { token: 'oauth' })];

    expect(verdictOf(samples, 'tools/call, OAuth token')).toMatchObject({
      wanted: 'reported',
      value: 0.5,
      met: undefined,
    });
  });

  it('are not given on what was measured apart', () => {
    expect(judgeTargets([call('standalone', 100), call('upstream', 1, { group: 'sizes' })])).toEqual([]);
  });
});

describe('a table', () => {
  it('of cases aligns numbers to the right and sets requests apart', () => {
    const rows = summarize([
      sample({ server: 'upstream' }),
      sample({
        server: 'standalone',
        actions: 1_000,
        era: '2026',
        requestsPerSecond: 12_345.6,
        p50Ms: 0,
        p99Ms: 7,
        cpuMicrosecondsPerRequest: 50,
      }),
      sample({ server: 'upstream', request: 'tools/list' }),
    ]);

    expect(renderTable(rowColumns, rows).split('\n')).toEqual([
      'request     server      actions  sources  with         req/s   times  p50 ms  p99 ms  CPU us/req   times  answer KB  RSS MB',
      '----------  ----------  -------  -------  ----------  ------  ------  ------  ------  ----------  ------  ---------  ------',
      'tools/call  upstream        200        1                10.0  1.00 x     100     200       5,000  1.00 x        2.0     256',
      'tools/call  standalone    1,000        1  2026-07-28  12,346  1235 x     < 1       7          50   100 x        2.0     256',
      '',
      'tools/list  upstream        200        1                10.0  1.00 x     100     200       5,000  1.00 x        2.0     256',
    ]);
  });

  it('is Markdown for the documentation', () => {
    const verdict = { title: 'a to b', wanted: 'at least 3 ×', value: 2.5, cpuRatio: 12.34, met: false };

    expect(renderTable(verdictColumns, [verdict], 'markdown').split('\n')).toEqual([
      '| target | wanted | got | in CPU time |  |',
      '| --- | --- | ---: | ---: | --- |',
      '| a to b | at least 3 × | 2.50 x | 12.3 x | MISSED |',
    ]);
  });

  it('of amounts says what may be reached at most', () => {
    const amounts = [
      { title: 'start', value: 512.3, unit: 'ms', limit: 700, met: true },
      { title: 'done', value: 12_000, unit: '' },
    ];

    expect(renderTable(amountColumns, amounts).split('\n').slice(2)).toEqual([
      'start   700 ms  512 ms  met',
      'done            12,000',
    ]);
  });
});
