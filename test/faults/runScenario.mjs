import { setTimeout as delay } from 'node:timers/promises';
import { settle } from './accounts/settle.mjs';
import { Deployment } from './deployment/Deployment.mjs';
import { Load } from './load/Load.mjs';

const quarter = 0.25;
const warmUpSeconds = 2;

/**
 * Three replicas under load, something that goes wrong, and the account of every call.
 *
 * @param {{ scenario: import('./scenarios/scenarios.mjs').Scenario, postgres: any, rate: number, seconds: number,
 *   mix?: object, tell: (line: string) => void }} options
 * @returns {Promise<any>} What was counted, or `missing` with the reason why it cannot be run here.
 */
export async function runScenario({ scenario, postgres, rate, seconds, mix, tell }) {
  const prepareAudit = scenario.prepareAudit?.();
  if (prepareAudit?.missing) {
    return { id: scenario.id, title: scenario.title, missing: prepareAudit.missing };
  }
  const deployment = await Deployment.open({ postgres, prepareAudit, shiftsClocks: scenario.shiftsClocks });
  try {
    return await runOn({ deployment, scenario, rate, seconds, mix, tell });
  } catch (error) {
    for (const { name, said } of deployment.replicas ?? []) {
      tell(`replica ${name} said:\n${said}`);
    }
    throw error;
  } finally {
    await deployment.close();
  }
}

async function runOn({ deployment, scenario, rate, seconds, mix, tell }) {
  const { port, token } = deployment;
  const load = new Load({ port, token, prefix: scenario.id, rate, mix, withRemote: scenario.withRemote });
  const wait = share => delay(share * seconds * 1000);
  const checks = new Map();
  const check = (title, isSo, got = '') => {
    const before = checks.get(title);
    checks.set(title, before && !before.isSo ? before : { title, isSo, got });
  };

  load.start();
  await delay(warmUpSeconds * 1000);
  load.phases.begin('before');
  await wait(quarter);
  load.phases.begin('during');
  await scenario.disturb({ deployment, load, wait, tell, check });
  load.phases.begin('after');
  await wait(quarter);
  await load.stop();
  tell('every call is held against the trail and the table');
  const account = await settle({ load, deployment });
  load.close();

  const phases = load.phases.summarize();
  scenario.judge?.({ phases, check });
  const rows = await deployment.verifyRows();
  check('the chains in the database verify', rows.ok, rows.text);
  const exits = await Promise.all(deployment.replicas.map(replica => replica.stop()));
  check(
    'each replica ends with status 0 at last',
    exits.every(({ code }) => code === 0),
    JSON.stringify(exits),
  );
  const files = deployment.verifyFiles();
  check('the chains in the files verify', files.ok, files.text);
  return {
    id: scenario.id,
    title: scenario.title,
    rate,
    seconds,
    ...account,
    ...load.counts,
    phases,
    details: Object.fromEntries([...load.details].sort(([, one], [, other]) => other - one).slice(0, 30)),
    checks: [...checks.values()],
    said: deployment.replicas.map(({ said }) => said),
  };
}
