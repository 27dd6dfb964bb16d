import { type FileHandle, open, readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findStat } from './findStat.js';
import { findStanding, ownIdentity, type ProcessIdentity } from './processIdentity.js';

const LOCK_NAME = /^lock-(\d{1,15})\.json$/;
const LOCK_BYTES = 512;
const ATTEMPTS = 20;
const LOOK_AGAIN_MS = 100;

/** How a process shows that it lives to those who cannot look for it, and how long they wait for that. */
export interface LockTimes {
  readonly beatMs: number;
  readonly patienceMs: number;
}

/**
 * Longer than a process stands still that waits for SQLite, and shorter than people wait for a start.
 */
export const usualLockTimes: LockTimes = { beatMs: 1_000, patienceMs: 10_000 };

/**
 * Makes a folder one process's own for as long as it lives. Each holder has a file with a number of its own, and who
 * has the highest holds the folder. That file stays when its holder is gone: the next one creates the next number,
 * which only one process can (O_EXCL), so that nothing has to be removed to take over from the dead.
 */
export class FolderLock {
  readonly #folder: string;
  readonly #number: number;
  readonly #handle: FileHandle;
  readonly #inode: number;
  readonly #beat: NodeJS.Timeout;

  private constructor(options: {
    folder: string;
    number: number;
    handle: FileHandle;
    inode: number;
    beatMs: number;
  }) {
    this.#folder = options.folder;
    this.#number = options.number;
    this.#handle = options.handle;
    this.#inode = options.inode;
    this.#beat = setInterval(() => {
      const now = new Date();
      // Whether the folder is still held is looked up before each use.
      this.#handle.utimes(now, now).catch(() => {});
    }, options.beatMs).unref();
  }

  /**
   * @returns `undefined` if another process has the folder.
   * @throws if the lock can be neither read nor made.
   */
  static async take(folder: string, times: LockTimes = usualLockTimes): Promise<FolderLock | undefined> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const number = await findHighest(folder);
      const state = number === 0 ? 'free' : await findState(pathOf(folder, number), times.patienceMs);
      if (state === 'held') {
        return undefined;
      }
      const lock = state === 'free' && (await FolderLock.#create(folder, number + 1, times));
      if (lock) {
        return lock;
      }
    }
    // Others were faster every time, and one of them has it.
    return undefined;
  }

  static async #create(folder: string, number: number, times: LockTimes): Promise<FolderLock | undefined> {
    const path = pathOf(folder, number);
    const handle = await createFile(path);
    if (!handle) {
      return undefined;
    }
    try {
      const holder = { ...(await ownIdentity()), host: hostname(), since: new Date().toISOString() };
      await handle.write(toText({ state: 'held', ...holder }), 0);
      const { ino: inode } = await handle.stat();
      // Otherwise others have come and gone since this one looked.
      if ((await findHighest(folder)) === number) {
        await removeOld(folder, number);
        return new FolderLock({ folder, number, handle, inode, beatMs: times.beatMs });
      }
    } catch (error) {
      await giveUp(handle, path);
      throw error;
    }
    await giveUp(handle, path);
    return undefined;
  }

  /** Whether nobody has taken this process for dead, and the folder for theirs, while it stood still. */
  isHeld(): boolean {
    const own = findStat(pathOf(this.#folder, this.#number));
    const next = findStat(pathOf(this.#folder, this.#number + 1));
    return own?.ino === this.#inode && next === undefined;
  }

  /** Lets others have the folder at once. */
  async release(): Promise<void> {
    clearInterval(this.#beat);
    try {
      await this.#handle.write(toText({ state: 'free' }), 0);
    } finally {
      await this.#handle.close();
    }
  }
}

const pathOf = (folder: string, number: number): string => join(folder, `lock-${number}.json`);

/** Of one length, so that it is written in place. */
const toText = (content: object): string => `${JSON.stringify(content).padEnd(LOCK_BYTES - 1)}\n`;

async function listNumbers(folder: string): Promise<number[]> {
  return (await readdir(folder)).flatMap(name => Number(name.match(LOCK_NAME)?.[1] ?? []));
}

async function findHighest(folder: string): Promise<number> {
  return Math.max(0, ...(await listNumbers(folder)));
}

async function createFile(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      return undefined;
    }
    throw error;
  }
}

async function giveUp(handle: FileHandle, path: string): Promise<void> {
  await handle.close().catch(() => {});
  await rm(path, { force: true }).catch(() => {});
}

/** The one before stays, so that who lists the folder at this moment finds one of the two. */
async function removeOld(folder: string, number: number): Promise<void> {
  for (const old of (await listNumbers(folder)).filter(each => each < number - 1)) {
    // The next holder tries again.
    await rm(pathOf(folder, old), { force: true }).catch(() => {});
  }
}

interface Sighting {
  readonly isFree: boolean;
  /** `undefined` while it is written, or if it never was in full. */
  readonly holder: ProcessIdentity | undefined;
  readonly changedAtMs: number;
}

/** Waits only for holders that cannot be looked for: those that live change their file. */
async function findState(path: string, patienceMs: number): Promise<'held' | 'free' | 'moved'> {
  let before = await look(path);
  // Counted, because the time also passes while this process stands still.
  for (let looks = Math.ceil(patienceMs / LOOK_AGAIN_MS); before; looks -= 1) {
    const standing = before.holder ? await findStanding(before.holder) : 'unknown';
    if (before.isFree || standing === 'gone' || (standing === 'unknown' && looks <= 0)) {
      return 'free';
    }
    if (standing === 'lives') {
      return 'held';
    }
    await delay(LOOK_AGAIN_MS);
    const now = await look(path);
    if (now?.holder && before.holder && now.changedAtMs !== before.changedAtMs) {
      return 'held';
    }
    before = now;
  }
  return 'moved';
}

async function look(path: string): Promise<Sighting | undefined> {
  let handle: FileHandle;
  try {
    // Opened anew each time, because network file systems may answer from memory else.
    handle = await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return undefined;
    }
    throw error;
  }
  try {
    const { mtimeMs: changedAtMs } = await handle.stat();
    return { ...parse(await handle.readFile('utf8')), changedAtMs };
  } finally {
    await handle.close();
  }
}

function parse(text: string): Omit<Sighting, 'changedAtMs'> {
  let content: Record<string, unknown>;
  try {
    content = JSON.parse(text) ?? {};
  } catch {
    return { isFree: false, holder: undefined };
  }
  const { state, scope, pid, startedAt } = content;
  const isHolder = state === 'held' && typeof pid === 'number' && Number.isSafeInteger(pid) && pid > 0;
  return {
    isFree: state === 'free',
    holder: isHolder
      ? { pid, ...(typeof scope === 'string' && { scope }), ...(typeof startedAt === 'string' && { startedAt }) }
      : undefined,
  };
}
