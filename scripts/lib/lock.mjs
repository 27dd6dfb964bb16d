import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** No set-up takes longer; the process id of an older lock may by now be another program's. */
const staleAfterMs = 30 * 60_000;

/** Runs an action while no other process of this machine runs one under the same lock file. */
export async function withLock(path, action) {
  mkdirSync(dirname(path), { recursive: true });
  for (let told = false; !tryLock(path); told = true) {
    if (!told) {
      console.log(`Another run is setting up (process ${readHolder(path)}); waiting for it …`);
    }
    await wait(300);
  }
  try {
    return await action();
  } finally {
    rmSync(path, { force: true });
  }
}

function tryLock(path) {
  const own = `${path}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    // Links appear with their content, unlike files created under the final name.
    linkSync(own, path);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') {
      throw error;
    }
  } finally {
    rmSync(own, { force: true });
  }
  if (isStale(path)) {
    removeStale(path);
  }
  return false;
}

function removeStale(path) {
  const aside = `${path}.stale.${process.pid}`;
  try {
    // Of several that see the same stale lock, one moves it.
    renameSync(path, aside);
    rmSync(aside, { force: true });
  } catch (error) {
    if (error.code !== 'ENOENT') {
      throw error;
    }
  }
}

function isStale(path) {
  try {
    return Date.now() - statSync(path).mtimeMs > staleAfterMs || !isAlive(readHolder(path));
  } catch (error) {
    if (error.code === 'ENOENT') {
      return false;
    }
    throw error;
  }
}

/** @returns {number | undefined} */
function readHolder(path) {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    // Released in between: the next try gets it.
    return undefined;
  }
}

function isAlive(pid) {
  if (pid === undefined) {
    return true;
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
