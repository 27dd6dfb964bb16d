import { setTimeout as delay } from 'node:timers/promises';
import { BenchServer } from './BenchServer.mjs';
import { median } from './median.mjs';
import { beginSession, openStream, send } from './streams.mjs';

const longestIntervalSeconds = 10;
const leastSamples = 16;
/** How much the last quarter may be over the second: the first is warming up. */
const tolerance = 0.1;

/**
 * Keeps a server busy with everything at once, and watches its memory.
 *
 * @returns The samples, how much was done, what went wrong, and verdicts as `judgeFlatness` has them.
 */
export async function runSoak({ minutes, core, onProgress }) {
  const benchServer = await BenchServer.start({
    setting: { server: 'standalone', actions: 200, sources: 4 },
    core,
    nodeOptions: ['--expose-gc'],
  });
  const ending = new AbortController();
  const counts = {};
  const errors = [];
  const tasks = await createTasks(benchServer);
  const workers = tasks.flatMap(task =>
    Array.from({ length: task.workers }, () => repeat({ task, counts, errors, signal: ending.signal })),
  );
  try {
    const samples = await watch({ benchServer, minutes, onProgress });
    return { samples, counts, errors: errors.slice(0, 20), verdicts: judgeFlatness(samples, errors.length) };
  } finally {
    ending.abort();
    await Promise.all(workers);
    await benchServer.stop();
  }
}

async function createTasks(benchServer) {
  const requests = [];
  for (const request of ['tools/call', 'tools/list']) {
    for (const era of ['2025', '2026']) {
      requests.push({ title: `${request} ${era}`, ...(await benchServer.createRequest({ request, era })) });
    }
  }
  return [
    ...requests.map(({ title, name, headers, body }) => ({
      title,
      workers: name === 'tools/call' ? 4 : 1,
      run: () => send(benchServer, { headers, body }),
    })),
    { title: 'session', workers: 2, run: () => liveOneSession(benchServer, requests[0].body) },
    { title: 'SSE stream', workers: 2, run: () => openAndLeave(benchServer) },
  ];
}

async function liveOneSession(benchServer, call) {
  const { headers } = await beginSession(benchServer);
  const stream = await openStream({ benchServer, path: '', headers });
  stream.resume();
  await send(benchServer, { headers, body: call });
  await send(benchServer, { method: 'DELETE', headers });
  stream.destroy();
}

/** As clients of the old transport do that are closed. */
async function openAndLeave(benchServer) {
  const stream = await openStream({ benchServer, path: '/sse', headers: {} });
  stream.destroy();
}

async function repeat({ task, counts, errors, signal }) {
  while (!signal.aborted) {
    try {
      await task.run();
      counts[task.title] = (counts[task.title] ?? 0) + 1;
    } catch (error) {
      errors.push(`${task.title}: ${error.message}`);
      // A server that is gone would be asked as fast as it refuses.
      await delay(100);
    }
  }
}

async function watch({ benchServer, minutes, onProgress }) {
  const intervalSeconds = Math.min(longestIntervalSeconds, (minutes * 60) / leastSamples);
  const count = Math.round((minutes * 60) / intervalSeconds);
  const samples = [];
  for (let index = 0; index < count; index++) {
    await delay(intervalSeconds * 1000);
    const { residentBytes } = await benchServer.readUsage();
    const { heapBytes } = await benchServer.readUsage({ collectGarbage: true });
    const sample = {
      second: Math.round((index + 1) * intervalSeconds),
      residentMegabytes: residentBytes / 1024 / 1024,
      heapMegabytes: heapBytes / 1024 / 1024,
    };
    samples.push(sample);
    onProgress(
      `${sample.second} s: ${sample.residentMegabytes.toFixed(0)} MB resident, ${sample.heapMegabytes.toFixed(1)} MB of heap in use`,
    );
  }
  return samples;
}

/**
 * Compares the medians of the second and the last quarter.
 *
 * @returns A verdict for each kind of memory, with how much larger the last is, and one for the errors.
 */
export function judgeFlatness(samples, errors) {
  const quarter = index => samples.slice((samples.length * (index - 1)) / 4, (samples.length * index) / 4);
  const compare = (title, name) => {
    const [second, last] = [quarter(2), quarter(4)].map(part => median(part.map(sample => sample[name])));
    const growth = last / second - 1;
    return {
      title: `${title}: ${second.toFixed(1)} MB in the second quarter, ${last.toFixed(1)} MB in the last`,
      value: growth * 100,
      unit: '%',
      limit: tolerance * 100,
      met: growth <= tolerance,
    };
  };
  return [
    compare('resident', 'residentMegabytes'),
    compare('heap in use', 'heapMegabytes'),
    { title: 'requests that failed', value: errors, unit: '', limit: 0, met: errors === 0 },
  ];
}
