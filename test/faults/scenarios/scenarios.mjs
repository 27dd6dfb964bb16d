import { clockJump } from './clockJump.mjs';
import { diskFull } from './diskFull.mjs';
import { crashPostgres, restartPostgres } from './postgres.mjs';
import { pauseRedis, restartRedis } from './redis.mjs';
import { killReplica, pauseReplica, restartReplicas } from './replicas.mjs';
import { deadSource, hangingSource, slowSource } from './sources.mjs';

/**
 * Something that goes wrong under load.
 *
 * @typedef {object} Scenario
 * @property {string} id
 * @property {string} title
 * @property {(context: { deployment: any, load: any, wait: (share: number) => Promise<void>, tell: (line: string) => void,
 *   check: (title: string, isSo: boolean, got?: string) => void }) => Promise<void>} disturb `wait` takes
 * a share of the scenario's time; `check` is for what this scenario has to show besides.
 * @property {() => ((folder: string) => () => void) | { missing: string } | undefined} [prepareAudit]
 * @property {(context: { phases: any[], check: any }) => void} [judge] Looks at the figures afterwards.
 * @property {boolean} [withRemote]
 * @property {boolean} [shiftsClocks]
 */

/** @type {Scenario[]} */
export const scenarios = [
  { id: 'steady', title: 'nothing goes wrong', disturb: ({ wait }) => wait(0.5) },
  killReplica,
  restartReplicas,
  pauseReplica,
  restartRedis,
  pauseRedis,
  restartPostgres,
  crashPostgres,
  diskFull,
  slowSource,
  hangingSource,
  deadSource,
  clockJump,
];

/** @throws Error if there is none of this id. */
export function getScenario(id) {
  const scenario = scenarios.find(each => each.id === id);
  if (!scenario) {
    throw new Error(`Expected one of the scenarios ${scenarios.map(each => each.id).join(', ')}, got ${id}`);
  }
  return scenario;
}
