import { BenchServer } from './BenchServer.mjs';
import { describeSpecials, serverKeyOf } from './cases.mjs';
import { measure, warmUp } from './load.mjs';
import { SilentSource } from './SilentSource.mjs';

/**
 * A measurement: a case, where it stands in its group, and the numbers of a round.
 *
 * @typedef {import('./cases.mjs').BenchCase & import('./load.mjs').Measurement & { group: string, index: number, round: number }} Sample
 */

/**
 * Measures groups of cases: the servers of a group are all up, and each round asks for the cases in turn, beginning
 * with another one each time.
 *
 * @param {object} options
 * @param {{ id: string, cases: import('./cases.mjs').BenchCase[] }[]} options.groups
 * @param {number} options.rounds
 * @param {number} options.seconds Length of a measurement.
 * @param {number} options.warmUpSeconds
 * @param {number | undefined} options.core Where the servers stay.
 * @param {(line: string) => void} options.onProgress Told before each step.
 * @returns {Promise<Sample[]>}
 */
export async function runBench({ groups, rounds, seconds, warmUpSeconds, core, onProgress }) {
  const samples = [];
  for (const group of groups) {
    const measured = await withServers({ cases: group.cases, core, onProgress }, running =>
      measureGroup({ group, running, rounds, seconds, warmUpSeconds, onProgress }),
    );
    samples.push(...measured);
  }
  return samples;
}

/** Starts what the cases need, and stops it whatever happens. */
async function withServers({ cases, core, onProgress }, action) {
  const running = new Map();
  const silentSource = cases.some(({ silent }) => silent) ? await SilentSource.open() : undefined;
  try {
    for (const { server, actions, sources, rows, silent, ...rest } of cases) {
      const key = serverKeyOf({ server, actions, sources, rows, silent });
      if (!running.has(key)) {
        onProgress(`starting ${describeCase({ server, actions, sources, rows, silent, ...rest })}`);
        const setting = { server, actions, sources, rows, silentUrl: silent ? silentSource.url : undefined };
        running.set(key, await BenchServer.start({ setting, core }));
      }
    }
    return await action(running);
  } finally {
    await Promise.all([...running.values()].map(benchServer => benchServer.stop()));
    await silentSource?.close();
  }
}

async function measureGroup({ group, running, rounds, seconds, warmUpSeconds, onProgress }) {
  const prepared = [];
  for (const [index, benchCase] of group.cases.entries()) {
    onProgress(`${group.id}: warming up ${describeCase(benchCase)}`);
    const benchServer = running.get(serverKeyOf(benchCase));
    const request = await benchServer.createRequest(benchCase);
    const expected = await warmUp({ benchServer, request, seconds: warmUpSeconds });
    prepared.push({ index, benchCase, benchServer, request, expected });
  }
  const samples = [];
  for (let round = 0; round < rounds; round++) {
    for (const { index, benchCase, ...means } of rotate(prepared, round)) {
      onProgress(`${group.id}: round ${round + 1} of ${rounds}, ${describeCase(benchCase)}`);
      samples.push({ group: group.id, index, ...benchCase, round, ...(await measure({ ...means, seconds })) });
    }
  }
  return samples.sort((a, b) => a.index - b.index || a.round - b.round);
}

function rotate(list, by) {
  const start = by % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}

function describeCase(benchCase) {
  const { request = '', server, actions, sources } = benchCase;
  return [request, server, `${actions} actions of ${sources}`, describeSpecials(benchCase)].filter(Boolean).join(', ');
}
