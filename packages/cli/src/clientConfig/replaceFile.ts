import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** @returns an empty text if there is no such file. */
export async function readOrEmpty(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return '';
    }
    throw error;
  }
}

/**
 * Writes a file as a whole or not at all, and keeps what was in it beside it. A link stays a link.
 *
 * @returns the name of the copy, if there was something.
 */
export async function replaceFile(
  file: string,
  text: string,
  { now, isSecret }: { now: () => number; isSecret: boolean },
): Promise<string | undefined> {
  await mkdir(dirname(file), { recursive: true });
  const target = await realpath(file).catch(() => file);
  const mode = await stat(target).then(
    ({ mode: present }) => present & 0o777,
    () => undefined,
  );
  let backup: string | undefined;
  if (mode !== undefined) {
    const stamp = new Date(now()).toISOString().replace(/[:.]/g, '-');
    backup = `${target}.${stamp}.bak`;
    await copyFile(target, backup);
  }
  const draft = `${target}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await writeFile(draft, text, { mode: isSecret ? 0o600 : (mode ?? 0o644), flag: 'wx' });
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  return backup;
}
