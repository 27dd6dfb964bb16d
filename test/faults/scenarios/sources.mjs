/** @typedef {import('./scenarios.mjs').Scenario} Scenario */

const slowMs = 3_000;
const leastShare = 0.95;

/** @type {Scenario} */
export const slowSource = {
  id: 'source-slow',
  title: `another backend takes ${slowMs / 1000} seconds over each answer; each tenth call goes there`,
  withRemote: true,
  async disturb({ deployment, wait, tell }) {
    deployment.source.delayMs = slowMs;
    tell('the source is slow');
    await wait(0.5);
    deployment.source.delayMs = 0;
  },
  judge: othersGoOn,
};

/** @type {Scenario} */
export const hangingSource = {
  id: 'source-hangs',
  title: 'another backend takes requests and answers none; each tenth call goes there',
  withRemote: true,
  async disturb({ deployment, wait, tell }) {
    deployment.source.hang();
    tell('the source hangs');
    await wait(0.5);
    // Those who wait are let go.
    await deployment.source.die();
  },
  judge: othersGoOn,
};

/** @type {Scenario} */
export const deadSource = {
  id: 'source-dead',
  title: 'another backend is gone; each tenth call goes there',
  withRemote: true,
  async disturb({ deployment, wait, tell }) {
    await deployment.source.die();
    tell('the source is gone');
    await wait(0.5);
  },
  judge: othersGoOn,
};

/** Of what is sent, as that is a little more or less each second. */
function othersGoOn({ phases: [before, during], check }) {
  const share = during.answered / during.sent / Math.min(1, before.answered / before.sent);
  check(
    `calls to others are answered at ${leastShare * 100} % of the rate before at least`,
    share >= leastShare,
    `${Math.round(share * 100)} %`,
  );
}
