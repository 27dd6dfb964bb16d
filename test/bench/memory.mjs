import { BenchServer } from './BenchServer.mjs';
import { median } from './median.mjs';
import { measureStarts } from './startTimes.mjs';
import { openMany, send, streamKinds } from './streams.mjs';

const streamCount = 1_000;
/** Open already when counting begins, after some calls: what the first ones cost once is not a cost of each. */
const warmUpCount = 100;
const warmUpCalls = 2_000;

/** Unlike speed, these are numbers that whoever sizes a machine adds up, so they are judged as such. */
const limits = { readyMs: 700, residentMegabytes: 120, kilobytesPerStream: 40 };

/**
 * @param {object} options
 * @param {number} options.starts
 * @param {(line: string) => void} options.onProgress
 * @returns One verdict each, with `value` and `limit` in `unit`.
 */
export async function measureMemory({ starts, onProgress }) {
  const { first, further } = await measureStarts({ times: starts, onProgress });
  const verdicts = [
    verdict('start to ready', median(further.map(({ readyMs }) => readyMs)), 'ms', limits.readyMs),
    verdict('start to ready, the first time', first.readyMs, 'ms'),
    verdict(
      'resident, ready',
      median(further.map(start => toMegabytes(start.residentBytes))),
      'MB',
      limits.residentMegabytes,
    ),
  ];
  for (const kind of streamKinds) {
    onProgress(`opening ${streamCount} of: ${kind.title}`);
    const { resident, heap } = await measureStreams({ kind });
    verdicts.push(verdict(`per idle ${kind.title}`, resident, 'KB', limits.kilobytesPerStream));
    verdicts.push(verdict(`per idle ${kind.title}, heap only`, heap, 'KB'));
  }
  return verdicts;
}

/** A server of its own per kind: memory that one kind has let go of is not free for the next. */
async function measureStreams({ kind }) {
  const benchServer = await BenchServer.start({
    setting: { server: 'standalone', actions: 10, sources: 1 },
    nodeOptions: ['--expose-gc'],
  });
  const opened = [];
  try {
    opened.push(...(await openMany({ benchServer, kind, count: warmUpCount })));
    await callOften(benchServer);
    const before = await benchServer.readUsage({ collectGarbage: true });
    opened.push(...(await openMany({ benchServer, kind, count: streamCount })));
    const after = await benchServer.readUsage({ collectGarbage: true });
    return {
      resident: (after.residentBytes - before.residentBytes) / streamCount / 1024,
      heap: (after.heapBytes - before.heapBytes) / streamCount / 1024,
    };
  } finally {
    for (const close of opened) {
      close();
    }
    await benchServer.stop();
  }
}

async function callOften(benchServer) {
  const { headers, body } = await benchServer.createRequest({ request: 'tools/call' });
  for (let index = 0; index < warmUpCalls; index += 16) {
    await Promise.all(Array.from({ length: 16 }, () => send(benchServer, { headers, body })));
  }
}

function verdict(title, value, unit, limit) {
  return { title, value, unit, limit, met: limit === undefined ? undefined : value <= limit };
}

function toMegabytes(bytes) {
  return bytes / 1024 / 1024;
}
