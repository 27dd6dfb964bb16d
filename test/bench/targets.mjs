import { completeCase, isSameCase } from './cases.mjs';
import { median } from './median.mjs';

const ours = { request: 'tools/call', server: 'standalone' };
const bareSdk = { request: 'tools/call', server: 'sdk-v2', actions: 1 };

/**
 * What is to be reached, as ratios of two cases that were measured in turn: absolute numbers belong to the machine.
 * `least` and `most` bound the ratio; `apart` is how far it may be from 1, either way.
 */
export const targets = [
  ratio('tools/call, 200 actions, to bare SDK v2 with one tool', ours, bareSdk, { least: 3 }),
  ratio('tools/call, 200 actions, to upstream', ours, { ...ours, server: 'upstream' }, { least: 150 }),
  ratio('tools/call, 1 action to 200', { ...ours, actions: 1 }, ours, { apart: 0.1 }),
  ratio('tools/call, 1,000 actions to 200', { ...ours, actions: 1_000 }, ours, { apart: 0.1 }),
  ratio('tools/call, 20 sources to 1', { ...ours, sources: 20 }, ours, { apart: 0.1 }),
  ratio('tools/call, 1,000 actions of 20 sources to 200 of 1', { ...ours, actions: 1_000, sources: 20 }, ours, {
    apart: 0.1,
  }),
  ratio('tools/call beside a source that never answers', { ...ours, silent: true }, ours, { least: 0.9 }),
  ratio(
    'tools/list, 200 actions, to the ceiling',
    { request: 'tools/list', server: 'standalone' },
    { request: 'tools/list', server: 'ceiling' },
    { least: 0.8 },
  ),
  ratio('p99 of tools/call, to bare SDK v2', ours, bareSdk, { most: 1, figure: 'p99Ms' }),
  ratio('tools/call in stock Backstage, to bare SDK v2', { ...ours, server: 'stock' }, bareSdk, { least: 1 }),
  ratio('tools/call, 2026-07-28 to 2025-06-18', { ...ours, era: '2026' }, ours, { apart: 0.2 }),
  ratio(
    'tools/list, 2026-07-28 to 2025-06-18',
    { request: 'tools/list', server: 'standalone', era: '2026' },
    { request: 'tools/list', server: 'standalone' },
    { apart: 0.2 },
  ),
  ratio('tools/call, OAuth token to static token', { ...ours, token: 'oauth' }, ours, {}),
  ratio('tools/call, trail in the database, too', { ...ours, rows: true }, ours, {}),
];

function ratio(title, of, to, { figure = 'requestsPerSecond', ...bounds }) {
  return { title, of: completeCase(of), to: completeCase(to), figure, ...bounds };
}

/**
 * @param {any[]} samples As `runBench` returns them.
 * @returns One verdict per target that was measured: the median of the ratios of each round, the same of CPU time (how
 * many times less), and whether it is met; that is undefined where no bound is set.
 */
export function judgeTargets(samples) {
  return targets.flatMap(target => {
    const rounds = pairRounds(samples, target);
    if (rounds.length === 0) {
      return [];
    }
    const value = median(rounds.map(([of, to]) => figureOf(of, target.figure) / figureOf(to, target.figure)));
    const cpuRatio = median(rounds.map(([of, to]) => to.cpuMicrosecondsPerRequest / of.cpuMicrosecondsPerRequest));
    return [{ title: target.title, wanted: describeBounds(target), value, cpuRatio, met: isMet(target, value) }];
  });
}

/** Each round of the first group that has both cases. */
function pairRounds(samples, { of, to }) {
  for (const group of new Set(samples.map(sample => sample.group))) {
    const own = samples.filter(sample => sample.group === group);
    const pairs = own
      .filter(sample => isSameCase(sample, of))
      .map(sample => [sample, own.find(other => other.round === sample.round && isSameCase(other, to))]);
    if (pairs.length > 0 && pairs.every(([, other]) => other)) {
      return pairs;
    }
  }
  return [];
}

// Latencies are counted in whole milliseconds.
function figureOf(sample, figure) {
  return figure === 'p99Ms' ? Math.max(0.5, sample[figure]) : sample[figure];
}

function isMet({ least, most, apart }, value) {
  if (apart !== undefined) {
    return Math.min(value, 1 / value) >= 1 - apart;
  }
  if (least === undefined && most === undefined) {
    return undefined;
  }
  return (least === undefined || value >= least) && (most === undefined || value <= most);
}

function describeBounds({ least, most, apart }) {
  if (apart !== undefined) {
    return `within ${Math.round(apart * 100)} %`;
  }
  if (least !== undefined) {
    return `at least ${least} ×`;
  }
  return most === undefined ? 'reported' : `at most ${most} ×`;
}
