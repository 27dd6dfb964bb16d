/** @typedef {import('./scenarios.mjs').Scenario} Scenario */

/** @type {Scenario} */
export const restartPostgres = {
  id: 'postgres-restart',
  title: 'PostgreSQL is stopped and started again',
  disturb: context => restart(context, 'fast'),
};

/** @type {Scenario} */
export const crashPostgres = {
  id: 'postgres-crash',
  title: 'PostgreSQL crashes and is started again',
  disturb: context => restart(context, 'immediate'),
};

async function restart({ deployment, wait, tell }, mode) {
  await deployment.postgres.stop(mode);
  tell('PostgreSQL is gone');
  await wait(0.2);
  await deployment.postgres.start();
  tell('PostgreSQL is back');
  await wait(0.3);
}
