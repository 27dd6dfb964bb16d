import { setTimeout as delay } from 'node:timers/promises';
import { settle } from '../accounts/settle.mjs';
import { Deployment } from '../deployment/Deployment.mjs';
import { Load } from '../load/Load.mjs';
import { ProcessorTime } from './ProcessorTime.mjs';

const warmUpSeconds = 5;
const progressSeconds = 30;
/** What is answered may lag behind what is sent by what is under way. */
const leastShare = 0.98;
/** A server that falls behind shows it in how long calls take, before any fails. */
const longestP99Ms = 1_000;

/**
 * Holds a load for some time, in which nothing goes wrong.
 *
 * @returns What was counted; `holds` if every call was answered as done at the first try, in time.
 */
export async function holdRate({ postgres, rate, seconds, mix, tell }) {
  const deployment = await Deployment.open({ postgres });
  try {
    const load = new Load({ port: deployment.port, token: deployment.token, prefix: `rate-${rate}`, rate, mix });
    load.start();
    await delay(warmUpSeconds * 1000);
    load.phases.begin('held');
    const processors = new ProcessorTime({
      replicas: deployment.replicas.map(({ pid }) => pid),
      postgres: [postgres.pid],
      load: [process.pid],
    });
    await wait({ seconds, load, tell });
    const cores = processors.read();
    load.phases.end();
    await load.stop();
    const account = await settle({ load, deployment });
    load.close();
    const rows = await deployment.verifyRows();
    await Promise.all(deployment.replicas.map(replica => replica.stop()));
    const files = deployment.verifyFiles();
    const [held] = load.phases.summarize();
    const { broken, failed, refused, lost, twice, unrecorded } = account;
    const errors = broken + failed + refused + load.counts.heldBack;
    const isWhole = lost.length + twice.length + unrecorded.length === 0 && files.ok && rows.ok;
    return {
      rate,
      ...account,
      ...load.counts,
      held,
      cores,
      errors,
      isWhole,
      holds: errors === 0 && isWhole && held.answeredPerSecond >= leastShare * rate && held.p99Ms <= longestP99Ms,
      details: Object.fromEntries(load.details),
      problems: [files, rows].filter(({ ok }) => !ok).map(({ text }) => text),
    };
  } finally {
    await deployment.close();
  }
}

async function wait({ seconds, load, tell }) {
  const endMs = performance.now() + seconds * 1000;
  for (let leftMs = seconds * 1000; leftMs > 0; leftMs = endMs - performance.now()) {
    await delay(Math.min(leftMs, progressSeconds * 1000));
    tell(`${load.answered.toLocaleString('en-US')} calls answered, ${load.details.size} kinds of errors`);
  }
}
