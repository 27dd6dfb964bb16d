/** @typedef {import('./scenarios.mjs').Scenario} Scenario */

/** @type {Scenario} */
export const restartRedis = {
  id: 'redis-restart',
  title: 'Redis crashes and is started again, empty',
  async disturb({ deployment, wait, tell }) {
    await deployment.redis.kill();
    tell('Redis is gone');
    await wait(0.25);
    await deployment.redis.start();
    tell('Redis is back, empty');
    await wait(0.25);
  },
};

/** @type {Scenario} */
export const pauseRedis = {
  id: 'redis-pause',
  title: 'Redis stands still and goes on',
  async disturb({ deployment, wait, tell }) {
    deployment.redis.pause();
    tell('Redis stands still');
    await wait(0.4);
    deployment.redis.resume();
    tell('Redis goes on');
    await wait(0.2);
  },
};
