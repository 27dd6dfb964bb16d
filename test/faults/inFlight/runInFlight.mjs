import { setTimeout as delay } from 'node:timers/promises';
import { connectClient } from '@callboard/test-utils';
import { readTrail } from '../accounts/readTrail.mjs';
import { Deployment } from '../deployment/Deployment.mjs';
import { countRuns, findStartedPid } from '../deployment/tables.mjs';
import { mcpPath } from '../load/wire.mjs';

export const inFlightId = 'in-flight';

const slowMs = 4_000;
const answerLimitMs = 30_000;
const startLimitMs = 20_000;
/** Longer than a replica that is told to stop takes requests as ever: then it takes none. */
const untilDrainingMs = 1_500;

const clients = [
  { kind: 'v2-legacy', title: 'session', hasStream: true },
  { kind: 'v2-sse', title: 'HTTP+SSE', hasStream: true },
  { kind: 'v2-modern', title: '2026-07-28' },
];
const calls = [
  { tool: 'slow', title: 'at work' },
  { tool: 'ask', title: 'waits for its client' },
];
const events = [
  { how: 'kill', whose: 'other', title: 'a replica that has nothing of it is killed' },
  { how: 'stop', whose: 'other', title: 'a replica that has nothing of it is stopped' },
  { how: 'kill', whose: 'stream', title: "the replica with its client's stream is killed" },
  { how: 'stop', whose: 'stream', title: "the replica with its client's stream is stopped" },
  { how: 'kill', whose: 'own', title: 'the replica where it runs is killed' },
  { how: 'stop', whose: 'own', title: 'the replica where it runs is stopped' },
];

/**
 * One call at a time, by an official client, of which it is known where it runs: what its client gets when that replica or
 * another one goes away. An answer of a client that was asked comes when the replica is gone.
 *
 * @returns One row for each case, and what is wrong with the whole.
 */
export async function runInFlight({ postgres, tell }) {
  const deployment = await Deployment.open({ postgres });
  const rows = [];
  try {
    for (const client of clients) {
      for (const call of calls) {
        for (const event of events) {
          if (event.whose === 'stream' && !client.hasStream) {
            continue;
          }
          const row = await runCase({ deployment, client, call, event, id: `in-flight-${rows.length + 1}` });
          tell(`${row.client}, ${row.call}, ${row.event}: ${row.got}`);
          rows.push(row);
        }
      }
    }
    await account(deployment, rows);
    await Promise.all(deployment.replicas.map(replica => replica.stop()));
    return { rows, files: deployment.verifyFiles() };
  } finally {
    await deployment.close();
  }
}

async function runCase({ deployment, client: { kind, title, hasStream }, call, event, id }) {
  const url = `http://localhost:${deployment.port}${mcpPath}`;
  let restore = async () => {};
  let streamPort;
  const goAway = async () => {
    restore = await disturb(deployment, { pid: await startedPid(deployment, id), streamPort, event });
  };
  const connectedAt = performance.now();
  const client = await connectClient({
    url,
    token: deployment.token,
    kind,
    async answer() {
      await goAway();
      return { action: 'accept', content: { table: '5' } };
    },
  });
  if (hasStream) {
    // A session's is opened a little later than the session.
    await until(() => deployment.proxy.lastStream.at >= connectedAt, 'the stream of the client');
    streamPort = deployment.proxy.lastStream.port;
  }
  const input = call.tool === 'slow' ? { id, milliseconds: slowMs } : { id };
  const answered = describe(
    client.callTool(`faults.${call.tool}`, input, { signal: AbortSignal.timeout(answerLimitMs) }),
  );
  if (call.tool === 'slow') {
    await goAway();
  }
  const { isResult, got } = await answered;
  // Of an SSE client whose stream is gone, closing may take as long as the stream.
  await Promise.race([client.close().catch(() => {}), delay(1_000)]);
  await restore();
  return { id, client: title, call: call.title, event: event.title, isResult, got };
}

function startedPid(deployment, id) {
  return until(() => findStartedPid(deployment.db, id), `${id} to begin`);
}

/** Asks until there is something. */
async function until(find, what) {
  const deadlineMs = performance.now() + startLimitMs;
  for (;;) {
    const found = await find();
    if (found) {
      return found;
    }
    if (performance.now() > deadlineMs) {
      throw new Error(`expected ${what} within ${startLimitMs} ms`);
    }
    await delay(20);
  }
}

/** @returns How to have three replicas again. */
async function disturb(deployment, { pid, streamPort, event: { how, whose } }) {
  const own = deployment.replicas.find(replica => replica.pid === pid);
  const withStream = deployment.replicas.find(({ port }) => port === streamPort);
  const other = deployment.replicas.find(replica => replica !== own && replica !== withStream);
  const victim = { own, stream: withStream, other }[whose];
  if (how === 'kill') {
    await victim.kill();
  } else if (victim !== own) {
    await victim.stop();
  } else {
    const stopped = victim.stop();
    await delay(untilDrainingMs);
    return async () => {
      await stopped;
      await victim.start();
    };
  }
  return () => victim.start();
}

async function describe(answering) {
  try {
    const { isError, content } = await answering;
    return isError ? { isResult: false, got: content[0]?.text ?? '' } : { isResult: true, got: 'its result' };
  } catch (error) {
    return { isResult: false, got: `${error.name}: ${error.message}` };
  }
}

/** A result has its row and its record, once; whatever else came, nothing ran twice. */
async function account(deployment, rows) {
  const [runs, trail] = [await countRuns(deployment.db), await readTrail(deployment.auditFolder)];
  for (const row of rows) {
    row.ran = runs.get(row.id) ?? 0;
    const { outcomes = 0 } = trail.get(row.id) ?? {};
    row.lost = row.isResult && (row.ran === 0 || outcomes === 0);
    row.twice = row.ran > 1 || outcomes > 1;
  }
}
