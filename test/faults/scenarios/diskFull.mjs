import { spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Room for the records of a scenario. */
const diskMegabytes = 256;
const ballastBytes = 65_536;

/** @type {import('./scenarios.mjs').Scenario} */
export const diskFull = {
  id: 'disk-full',
  title: 'the disk of the audit files is full, then has room again (tmpfs)',
  prepareAudit() {
    return process.getuid?.() === 0 && process.platform === 'linux'
      ? mountDisk
      : { missing: 'only root on Linux can mount the small file system that it fills' };
  },
  async disturb({ deployment, load, wait, tell, check }) {
    const ballast = join(deployment.auditFolder, 'ballast');
    fill(ballast);
    tell('the disk is full');
    // Calls whose records fit into the last block are still answered.
    await wait(0.1);
    fill(ballast);
    const before = load.answered;
    await wait(0.2);
    const meanwhile = load.answered - before;
    rmSync(ballast);
    tell('the disk has room again');
    check('no call is answered as done while nothing can be written', meanwhile === 0, `${meanwhile} calls`);
    await wait(0.2);
  },
};

function mountDisk(folder) {
  run('mount', ['-t', 'tmpfs', '-o', `size=${diskMegabytes}m`, 'callboard-faults', folder]);
  return () => run('umount', ['-l', folder]);
}

/** Until not a byte more fits. */
function fill(file) {
  const descriptor = openSync(file, 'a');
  try {
    for (let bytes = ballastBytes; bytes >= 1; ) {
      try {
        writeSync(descriptor, Buffer.alloc(bytes));
      } catch (error) {
        if (error.code !== 'ENOSPC') {
          throw error;
        }
        bytes = Math.floor(bytes / 2);
      }
    }
  } finally {
    closeSync(descriptor);
  }
}

function run(command, args) {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) {
    throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
  }
}
