import { constants } from 'node:fs';
import { lstat, open, stat } from 'node:fs/promises';
import { visibleText } from '@callboard/actions-api';
import { MAX_REASON, type Pause, type PauseScope, pauseScopes } from './Pause.js';

const MAX_BYTES = 4_096;
const BY = 'the file of safety.pause.file';

/** A file that pauses this process for as long as it exists: works without database, network and sign-in. */
export class PauseFile {
  readonly #path: string;

  constructor(options: { path: string }) {
    this.#path = options.path;
  }

  /** Never throws: a file of which nobody can tell what it says pauses, too. */
  async read(): Promise<Pause | undefined> {
    let since: string | undefined;
    try {
      const { mtime } = await lstat(this.#path);
      since = mtime.toISOString();
      // Of anything else, such as a pipe, nobody can tell how long reading it takes.
      if (!(await stat(this.#path)).isFile()) {
        throw Object.assign(new Error('no regular file'), { code: 'no regular file' });
      }
      return { source: 'file', since, by: BY, ...parsePauseText(await readStart(this.#path)) };
    } catch (error) {
      const { code } = error as { code?: string };
      return code === 'ENOENT' && since === undefined
        ? undefined
        : {
            source: 'file',
            scope: 'writes',
            reason: `the file of safety.pause.file cannot be read (${code ?? 'unknown error'})`,
            ...(since && { since }),
            by: BY,
          };
    }
  }
}

/** The first line may be a scope; the rest is the reason. */
export function parsePauseText(text: string): { scope: PauseScope; reason: string } {
  const [first = '', ...rest] = text.trim().split(/\r?\n/);
  const word = first
    .trim()
    .toLowerCase()
    .replace(/^scope\s*[:=]\s*/, '');
  const scope = pauseScopes.find(name => name === word);
  const reason = scope ? rest.join('\n').trim() : text.trim();
  return { scope: scope ?? 'writes', reason: visibleText(reason, MAX_REASON) || 'none given' };
}

async function readStart(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(MAX_BYTES), 0, MAX_BYTES, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
