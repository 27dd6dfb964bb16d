import { describe, expect, it } from 'vitest';
import { judge, median, renderTable, summarize } from './report.mjs';

const numbers = {
  requestsPerSecond: 10,
  p50Ms: 100,
  p99Ms: 200,
  cpuMicrosecondsPerRequest: 5_000,
  residentBytes: 2 ** 28,
  answerBytes: 2_048,
};

function sample(server: string, changes: object = {}) {
  return { count: 200, sources: 1, request: 'tools/call', server, round: 0, ...numbers, ...changes };
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
  it('has a row per number of actions, request and server, with the median of the rounds', () => {
    const rows = summarize(
      [
        sample('upstream', { requestsPerSecond: 10 }),
        sample('upstream', { requestsPerSecond: 90, round: 1 }),
        sample('upstream', { requestsPerSecond: 11, round: 2 }),
        sample('upstream', { request: 'tools/list', requestsPerSecond: 5 }),
        sample('upstream', { count: 1, requestsPerSecond: 300 }),
      ],
      'upstream',
    );

    expect(rows.map(row => [row.count, row.request, row.requestsPerSecond, row.rounds])).toEqual([
      [200, 'tools/call', 11, 3],
      [200, 'tools/list', 5, 1],
      [1, 'tools/call', 300, 1],
    ]);
  });

  it('compares a server with the baseline for the same request and number of actions', () => {
    const rows = summarize(
      [
        sample('upstream', { requestsPerSecond: 10, cpuMicrosecondsPerRequest: 5_000 }),
        sample('upstream', { count: 1, requestsPerSecond: 300 }),
        sample('stock', { requestsPerSecond: 150, cpuMicrosecondsPerRequest: 100 }),
      ],
      'upstream',
    );

    expect(rows.at(-1)).toMatchObject({ server: 'stock', ratio: 15, cpuRatio: 50 });
  });

  it('gives no ratio when the baseline was not measured', () => {
    const [row] = summarize([sample('stock')], 'upstream');

    expect(row).toMatchObject({ ratio: undefined, cpuRatio: undefined });
  });
});

describe('the verdict', () => {
  function judgeRates(call: number, list: number, count = 200) {
    const samples = ['tools/call', 'tools/list'].flatMap(request => [
      sample('upstream', { count, request, requestsPerSecond: 10 }),
      sample('stock', { count, request, requestsPerSecond: request === 'tools/call' ? call : list }),
    ]);
    return judge(summarize(samples, 'upstream'), 'upstream');
  }

  it('is met when calls and lists are both eight times as many', () => {
    const verdict = judgeRates(80, 81);

    expect(verdict.met).toBe(true);
    expect(verdict.lines).toEqual([
      'met     stock, tools/call, 200 actions: 8.0 x upstream, at least 8 expected',
      'met     stock, tools/list, 200 actions: 8.1 x upstream, at least 8 expected',
    ]);
  });

  it('is missed when one of the two falls short', () => {
    const verdict = judgeRates(1_000, 79);

    expect(verdict.met).toBe(false);
    expect(verdict.lines[1]).toMatch(/^missed {2}stock, tools\/list/);
  });

  it('is open when nothing was measured with 200 actions', () => {
    expect(judgeRates(1_000, 1_000, 10).met).toBeUndefined();
  });

  it('is open when there is only the baseline', () => {
    expect(judge(summarize([sample('upstream')], 'upstream'), 'upstream')).toEqual({ met: undefined, lines: [] });
  });
});

describe('the table', () => {
  it('aligns numbers to the right and sets requests apart', () => {
    const rows = summarize(
      [
        sample('upstream'),
        sample('stock', { requestsPerSecond: 12_345.6, p50Ms: 0, p99Ms: 7, cpuMicrosecondsPerRequest: 50 }),
        sample('upstream', { request: 'tools/list' }),
      ],
      'upstream',
    );

    const table = renderTable(rows);

    expect(table.split('\n')).toEqual([
      'actions  sources  request     server    req/s     times  p50 ms  p99 ms  CPU us/req    times  answer KB  RSS MB',
      '-------  -------  ----------  --------  -----  --------  ------  ------  ----------  -------  ---------  ------',
      '    200        1  tools/call  upstream   10.0     1.0 x     100     200        5000    1.0 x        2.0     256',
      '    200        1  tools/call  stock     12346  1234.6 x     < 1       7          50  100.0 x        2.0     256',
      '',
      '    200        1  tools/list  upstream   10.0     1.0 x     100     200        5000    1.0 x        2.0     256',
    ]);
  });
});
