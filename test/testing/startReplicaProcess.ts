import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { JsonObject } from '@backstage/types';

// Runs the built packages; `npm test` builds them first.
const program = fileURLToPath(new URL('./replicaProcess.mjs', import.meta.url));

/** Starts a replica that has the waiter in a process of its own. @returns how to kill it, which is how it stops. */
export async function startReplicaProcess(config: JsonObject): Promise<{ stop(): Promise<void> }> {
  const child = spawn(process.execPath, [program, JSON.stringify(config)], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'exit');
  let said = '';
  const ready = new Promise<'ready'>(resolve => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', chunk => {
        said += String(chunk);
        if (said.includes('\nready to be killed')) {
          resolve('ready');
        }
      });
    }
  });
  if ((await Promise.race([ready, ended])) !== 'ready') {
    throw new Error(`The replica has not started:\n${said}`);
  }
  return {
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
