import { open, readFile, rm, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 150;
const WRITING_MS = 10_000;

/**
 * Runs work that one process at a time may do, such as using up a refresh token.
 *
 * @param file - made for as long as the work takes; it has the id of the process, so that a lock whose
 * process is gone does not last.
 */
export async function withLock<T>(file: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  while (!(await take(file))) {
    await sleep(POLL_MS, undefined, { signal });
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function take(file: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx', 0o600);
    await handle.writeFile(String(process.pid));
    await handle.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw error;
    }
  }
  const owner = Number(await readFile(file, 'utf8').catch(() => ''));
  if (owner > 0 ? !isRunning(owner) : await isOld(file)) {
    await rm(file, { force: true });
  }
  return false;
}

/** An empty file is one that is being written, or whose process ended meanwhile. */
async function isOld(file: string): Promise<boolean> {
  const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Date.now() }));
  return Date.now() - mtimeMs > WRITING_MS;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
