import { BenchServer } from './BenchServer.mjs';
import { measure, warmUp } from './load.mjs';
import { benchRequests } from './wire.mjs';

/**
 * Measures every server with every number of actions, side by side: all of them run, and each round asks them in turn,
 * beginning with another one each time.
 *
 * @param onProgress - Called with a line before each step.
 * @returns One sample per round, as `summarize` of `report.mjs` expects them.
 */
export async function runBench({ servers, counts, sources, rounds, seconds, warmUpSeconds, core, onProgress }) {
  const samples = [];
  for (const count of counts) {
    const usedSources = Math.min(sources, count);
    const running = [];
    try {
      for (const server of servers) {
        onProgress(`${count} actions: starting ${server.title}`);
        running.push(await BenchServer.start({ server, count, sources: usedSources, core }));
      }
      for (const request of benchRequests(count)) {
        const expectations = new Map();
        for (const benchServer of running) {
          onProgress(`${count} actions, ${request.name}: warming up ${benchServer.server.title}`);
          expectations.set(benchServer, await warmUp({ benchServer, request, seconds: warmUpSeconds }));
        }
        for (let round = 0; round < rounds; round++) {
          for (const benchServer of rotate(running, round)) {
            onProgress(
              `${count} actions, ${request.name}: round ${round + 1} of ${rounds}, ${benchServer.server.title}`,
            );
            const measured = await measure({
              benchServer,
              request,
              seconds,
              expected: expectations.get(benchServer),
            });
            samples.push({
              count,
              sources: usedSources,
              request: request.name,
              server: benchServer.server.id,
              round,
              ...measured,
            });
          }
        }
      }
    } finally {
      await Promise.all(running.map(benchServer => benchServer.stop()));
    }
  }
  return sortByServer(samples, servers);
}

function rotate(list, by) {
  const start = by % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}

/** Rounds begin with changing servers; reports do not. */
function sortByServer(samples, servers) {
  const order = new Map(servers.map((server, index) => [server.id, index]));
  const requestOrder = new Map(benchRequests(0).map((request, index) => [request.name, index]));
  const rank = sample => [sample.count, requestOrder.get(sample.request), order.get(sample.server), sample.round];
  return [...samples].sort((a, b) => {
    const [left, right] = [rank(a), rank(b)];
    const difference = left.findIndex((value, index) => value !== right[index]);
    return difference === -1 ? 0 : left[difference] - right[difference];
  });
}
