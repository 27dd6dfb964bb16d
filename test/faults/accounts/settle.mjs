import { setTimeout as delay } from 'node:timers/promises';
import { countRuns } from '../deployment/tables.mjs';
import { sourceTool } from '../load/Load.mjs';
import { readTrail } from './readTrail.mjs';

const atOnce = 20;
/** What a replica still has to write when its callers have given up. */
const quietMs = 500;

/**
 * Finds out about calls of which their client does not know whether they ran, makes those again that did not, and then
 * holds every call against the trail and the table.
 *
 * @param {{ load: import('../load/Load.mjs').Load, deployment: import('../deployment/Deployment.mjs').Deployment }} options
 */
export async function settle({ load, deployment }) {
  await delay(quietMs);
  const doubtful = load.calls.filter(({ state }) => state === 'doubt' || state === 'givenUp');
  const found = { ranAllTheSame: 0, failedOnRecord: 0, cutOff: 0 };
  if (doubtful.length > 0) {
    const [trail, runs] = [await readTrail(deployment.auditFolder), await countRuns(deployment.db)];
    const neverBegun = [];
    for (const call of doubtful) {
      const recorded = trail.get(call.id);
      if (runs.has(call.id) || recorded?.outcomes > 0) {
        found.ranAllTheSame += 1;
      } else if (recorded?.failures > 0) {
        found.failedOnRecord += 1;
      } else if (recorded?.intents > 0 && call.state === 'doubt') {
        found.cutOff += 1;
      } else {
        neverBegun.push(call);
      }
    }
    await makeAgain(load, neverBegun);
  }

  await delay(quietMs);
  return { ...found, ...compare(load.calls, await readTrail(deployment.auditFolder), await countRuns(deployment.db)) };
}

async function makeAgain(load, calls) {
  const queue = [...calls];
  const workers = Array.from({ length: atOnce }, async () => {
    for (let call = queue.pop(); call; call = queue.pop()) {
      await load.makeAgain(call);
    }
  });
  await Promise.all(workers);
}

/**
 * @param {import('../load/Load.mjs').Call[]} calls
 * @param {Map<string, import('./readTrail.mjs').Recorded>} trail
 * @param {Map<string, number>} runs
 */
export function compare(calls, trail, runs) {
  const lost = [];
  const twice = [];
  const unrecorded = [...runs.keys()].filter(id => !trail.get(id));
  for (const call of calls) {
    const recorded = trail.get(call.id) ?? { intents: 0, outcomes: 0, failures: 0 };
    const ran = runs.get(call.id) ?? 0;
    if (ran > 1 || recorded.outcomes > 1) {
      twice.push(`${call.id}: ${ran} rows, ${recorded.outcomes} outcomes`);
    }
    const problem = findLoss(call, recorded, ran);
    if (problem) {
      lost.push(`${call.id} (${call.kind}, ${call.tool}): ${problem}`);
    }
  }
  return {
    sent: calls.length,
    done: count(calls, ({ state }) => state === 'done'),
    broken: count(calls, ({ how }) => how === 'broken'),
    failed: count(calls, ({ how, tool }) => how === 'failed' && tool !== sourceTool),
    failedElsewhere: count(calls, ({ how, tool }) => how === 'failed' && tool === sourceTool),
    refused: calls.reduce((sum, { refusals }) => sum + refusals, 0),
    retried: count(calls, ({ refusals, retries = 0 }) => refusals + retries > 0),
    lost,
    twice,
    unrecorded,
  };
}

function findLoss({ state, tool, refusals, doubts, retries = 0 }, { intents, outcomes }, ran) {
  if (state === 'wrong') {
    return 'answered with the result of another call';
  }
  if (state === 'open' || state === 'givenUp') {
    return 'never answered';
  }
  if (state === 'doubt') {
    return retries > 0 && intents === 0 ? 'made again, and never ran' : undefined;
  }
  if (outcomes === 0) {
    return `answered as done, and the trail has ${intents} intents and no outcome`;
  }
  // A refused attempt may have its intent: in the files, when it is the database that did not take it.
  if (intents > outcomes + refusals + doubts) {
    return `${intents} intents for ${outcomes} outcomes`;
  }
  return tool === 'faults.record' && ran === 0 ? 'answered as done, and its row is missing' : undefined;
}

function count(calls, isMeant) {
  return calls.filter(isMeant).length;
}
