/** @typedef {import('./scenarios.mjs').Scenario} Scenario */

/** @type {Scenario} */
export const killReplica = {
  id: 'kill',
  title: 'a replica is killed (SIGKILL) and started again',
  async disturb({ deployment, wait, tell }) {
    const [victim] = deployment.replicas;
    await victim.kill();
    tell(`replica ${victim.name} is killed`);
    await wait(0.25);
    await victim.start();
    tell(`replica ${victim.name} is ready again`);
    await wait(0.25);
  },
};

/** @type {Scenario} */
export const restartReplicas = {
  id: 'restart',
  title: 'all replicas are restarted, one after the other (SIGTERM)',
  async disturb({ deployment, wait, tell, check }) {
    for (const replica of deployment.replicas) {
      const { code } = await replica.stop();
      tell(`replica ${replica.name} has ended with ${code}`);
      check('each replica ends with status 0', code === 0, String(code));
      await replica.start();
    }
    await wait(0.1);
  },
};

/** @type {Scenario} */
export const pauseReplica = {
  id: 'pause',
  title: 'a replica stands still (SIGSTOP) and goes on (SIGCONT)',
  async disturb({ deployment, load, wait, tell, check }) {
    const [, victim] = deployment.replicas;
    victim.signal('SIGSTOP');
    const before = load.answered;
    tell(`replica ${victim.name} stands still`);
    await wait(0.4);
    const meanwhile = load.answered - before;
    victim.signal('SIGCONT');
    tell(`replica ${victim.name} goes on`);
    check('the others answer meanwhile', meanwhile > 0, `${meanwhile} calls`);
    await wait(0.3);
  },
};
