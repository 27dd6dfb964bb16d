import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { LoggerService } from '@backstage/backend-plugin-api';
import { type ChainHead, genesisHash, headOf, readLine, sealAll } from '../record/chain.js';
import type { RecordContent, SealedRecord } from '../record/records.js';
import type { TrailSink } from '../TrailSink.js';
import type { LockTimes } from './FolderLock.js';
import { findStat } from './findStat.js';
import {
  headFileName,
  listTrailFiles,
  nameOfFile,
  readHead,
  readHeader,
  readKeptFrom,
  readTail,
} from './trailFiles.js';
import { type OwnFolder, takeWriterFolder } from './writerFolders.js';

/** When a file is full, and how many are kept. */
export interface FileLimits {
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  readonly maxFiles: number;
}

/** Has a write end when what was written is on disk; undefined where files have no such mode. */
const SYNCED: number | undefined = constants.O_DSYNC ?? constants.O_SYNC;

/** The file that says where the chain ends is this much behind at most: it shows what was cut off at the end. */
const REMEMBER_MS = 10;

/** Lines as they are written, and where the chain is then. */
interface SealedLines {
  readonly bytes: Buffer;
  readonly head: ChainHead;
}

interface OpenFile {
  readonly handle: FileHandle;
  readonly path: string;
  readonly inode: number;
  readonly startedAtMs: number;
  bytes: number;
}

/**
 * A trail as files of JSON lines in a folder of its own; the chain goes on from file to file and from run to run.
 * Where another process has the folder, it is a chain of its own in a folder in there.
 */
export class FileTrail implements TrailSink {
  readonly kind = 'files';
  readonly #directory: string;
  readonly #limits: FileLimits;
  readonly #logger: LoggerService;
  readonly #now: () => Date;
  readonly #lockTimes: LockTimes | undefined;
  #own: OwnFolder | undefined;
  /** The one that `#head` is about. */
  #lastFolder: string | undefined;
  #head: ChainHead | undefined;
  #file: OpenFile | undefined;
  #headFile: FileHandle | undefined;
  #remembering: Promise<void> | undefined;
  #rememberNow: (() => void) | undefined;

  constructor(options: {
    directory: string;
    limits: FileLimits;
    logger: LoggerService;
    now: () => Date;
    lockTimes?: LockTimes;
  }) {
    this.#directory = options.directory;
    this.#limits = options.limits;
    this.#logger = options.logger;
    this.#now = options.now;
    this.#lockTimes = options.lockTimes;
  }

  /** The folder that this process writes to, as soon as it has one. */
  get name(): string {
    return this.#own?.path ?? this.#directory;
  }

  /**
   * The id of the chain, which is the same in every run that has this folder.
   *
   * @throws if no folder can be used.
   */
  async findChain(): Promise<string> {
    return (await this.#continue()).chain;
  }

  async append(contents: readonly RecordContent[]): Promise<void> {
    try {
      const head = await this.#continue();
      const lines = toLines(sealAll(contents, head));
      await this.#write(this.#file && this.#fits(this.#file, lines) ? lines : await this.#startFile(contents, head));
    } catch (error) {
      // Nobody knows what of it is in the file now; the next one looks.
      await this.#letGo();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#letGo();
    const own = this.#own;
    this.#own = undefined;
    // Others may go on with the chain now.
    this.#head = undefined;
    // The lock of a process that has ended counts for nothing either.
    await own?.lock.release().catch(() => {});
  }

  #fits({ bytes, startedAtMs }: OpenFile, lines: SealedLines): boolean {
    return (
      bytes + lines.bytes.length <= this.#limits.maxBytes && this.#now().getTime() - startedAtMs < this.#limits.maxAgeMs
    );
  }

  async #write({ bytes, head }: SealedLines): Promise<void> {
    const file = this.#file as OpenFile;
    await writeAll(file.handle, bytes);
    if (SYNCED === undefined) {
      await file.handle.datasync();
    }
    file.bytes += bytes.length;
    this.#head = head;
    // The records are on disk; whoever waits for them need not wait for this.
    this.#remembering ??= this.#rememberSoon();
  }

  /** Finds the end of the chain and the file it goes on in, unless that is known and still so. */
  async #continue(): Promise<ChainHead> {
    await this.#ensureFolder();
    if (this.#head && this.#file && this.#isUntouched(this.#file)) {
      return this.#head;
    }
    if (this.#file) {
      this.#logger.warn(`${this.#file.path} is not as it was left: was it changed or moved away?`);
      await this.#letGo();
    }
    const known = this.#head ?? (await readHead(this.name));
    const last = await this.#findLast();
    if (!last && !known?.seq) {
      this.#head = known ?? { chain: randomUUID(), seq: 0, hash: genesisHash };
      await this.#rememberHead(this.#head);
    } else if (last?.record && (!known || last.record.chain !== known.chain || last.record.seq >= known.seq)) {
      this.#head = headOf(last.record);
      await this.#openFile(last.path);
    } else if (known) {
      // What is left stays as it is, for those who want to find out; the gap shows when the trail is verified.
      this.#logger.error(
        `The audit trail in ${this.name} was changed: it should end with record ${known.seq}, but does not. It goes on after the gap.`,
      );
      this.#head = known;
    } else {
      throw new Error(
        `The audit trail cannot be continued: the last line of ${last?.path} was changed. Move ${this.name} elsewhere to begin a new one`,
      );
    }
    return this.#head;
  }

  /** Has a folder for this process, and sees that it still is. */
  async #ensureFolder(): Promise<void> {
    const before = this.#own;
    if (before?.lock.isHeld()) {
      return;
    }
    if (before) {
      await this.#letGo();
      this.#own = undefined;
      // What is left to release is a file that is not the lock any more.
      await before.lock.release().catch(() => {});
    }
    this.#own = await takeWriterFolder(this.#directory, this.#lockTimes);
    if (before) {
      this.#logger.warn(
        `The lock of ${before.path} was removed, or another process took it while this one stood still; the audit trail goes on in ${this.name}`,
      );
    } else if (this.name !== this.#directory) {
      this.#logger.info(`Another process writes its audit trail to ${this.#directory}; this one goes to ${this.name}`);
    }
    if (this.#lastFolder !== this.name) {
      this.#head = undefined;
    }
    this.#lastFolder = this.name;
  }

  /** At once: before each write, and on a disk of this machine it takes less time than to wait for it. */
  #isUntouched({ path, inode, bytes }: OpenFile): boolean {
    const found = findStat(path);
    return found?.ino === inode && found.size === bytes;
  }

  /** Finds the last line, and takes away what the end of a process has left of another one. */
  async #findLast(): Promise<{ path: string; record: SealedRecord | undefined } | undefined> {
    const files = await listTrailFiles(this.name);
    for (const { name } of files.reverse()) {
      const path = join(this.name, name);
      const { lastLine, completeBytes, totalBytes } = await readTail(path);
      if (completeBytes < totalBytes) {
        await truncate(path, completeBytes);
        this.#logger.warn(
          `${path}: removed ${totalBytes - completeBytes} bytes of a record that was not written in full`,
        );
      }
      if (lastLine !== undefined) {
        return { path, record: readLine(lastLine) };
      }
    }
    return undefined;
  }

  async #openFile(path: string, startedAtMs?: number): Promise<OpenFile> {
    const handle = await openSynced(path);
    try {
      const { ino: inode, size: bytes } = await handle.stat();
      this.#file = { handle, path, inode, bytes, startedAtMs: startedAtMs ?? (await readStart(path)) };
      return this.#file;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Begins a file, whose first record says from where on the trail is kept. */
  async #startFile(contents: readonly RecordContent[], head: ChainHead) {
    await this.#file?.handle.close();
    this.#file = undefined;
    const files = await listTrailFiles(this.name);
    const firstSeq = head.seq + 1;
    const name = nameOfFile(firstSeq);
    const all = [...files.filter(file => file.name !== name), { name, firstSeq }];
    const isTooMany = all.length > this.#limits.maxFiles;
    // What somebody else has removed must not pass for what was not to be kept.
    const keptBefore = await readKeptFrom(this.name, files);
    const keptFrom = Math.max(keptBefore, isTooMany ? (all.at(-this.#limits.maxFiles)?.firstSeq ?? 1) : 1);
    const now = this.#now();
    await this.#openFile(join(this.name, name), now.getTime());
    await syncFolder(this.name);
    const header: RecordContent = { kind: 'file', time: now.toISOString(), keptFrom };
    // Removed only after it is on record that they are.
    await this.#write(toLines(sealAll([header], head)));
    for (const file of files.filter(({ firstSeq: seq }) => seq < keptFrom)) {
      await rm(join(this.name, file.name)).catch(error => {
        this.#logger.warn(`${file.name} is older than what is kept, but cannot be removed: ${error}`);
      });
    }
    return toLines(sealAll(contents, this.#head as ChainHead));
  }

  /** Once for all groups of some time: many are written in a second. */
  async #rememberSoon(): Promise<void> {
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, REMEMBER_MS);
      this.#rememberNow = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    const head = this.#head as ChainHead;
    await this.#rememberHead(head);
    this.#remembering = head === this.#head ? undefined : this.#rememberSoon();
  }

  async #rememberHead({ chain, seq, hash }: ChainHead): Promise<void> {
    if (!this.#own?.lock.isHeld()) {
      return;
    }
    try {
      const file = this.#headFile ?? (await openForUpdate(join(this.name, headFileName)));
      this.#headFile = file;
      // In place and of one length: it is never empty, and what it says is in the trail already.
      await file.write(`${JSON.stringify({ chain, seq, hash }).padEnd(255)}\n`, 0);
    } catch (error) {
      this.#logger.warn(`${headFileName} of the audit trail cannot be written: ${error}`);
    }
  }

  async #letGo(): Promise<void> {
    while (this.#remembering) {
      this.#rememberNow?.();
      await this.#remembering;
    }
    const handles = [this.#file?.handle, this.#headFile];
    this.#file = undefined;
    this.#headFile = undefined;
    for (const handle of handles) {
      // Its records are on disk, or their callers have been told that they are not.
      await handle?.close().catch(() => {});
    }
  }
}

function toLines(sealed: { record: SealedRecord; line: string }[]): SealedLines {
  let text = '';
  for (const { line } of sealed) {
    text += `${line}\n`;
  }
  return { bytes: Buffer.from(text), head: headOf((sealed.at(-1) as { record: SealedRecord }).record) };
}

async function writeAll(handle: FileHandle, bytes: Buffer): Promise<void> {
  for (let from = 0; from < bytes.length; ) {
    from += (await handle.write(bytes, from)).bytesWritten;
  }
}

function openSynced(path: string): Promise<FileHandle> {
  return open(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (SYNCED ?? 0), 0o600);
}

/** Neither empties a file nor needs one to be there. */
function openForUpdate(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
}

async function readStart(path: string): Promise<number> {
  const startedAtMs = Date.parse((await readHeader(path))?.time ?? '');
  return Number.isNaN(startedAtMs) ? 0 : startedAtMs;
}

/** So that a new file is still there after a power failure. */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
