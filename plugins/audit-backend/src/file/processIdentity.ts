import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';

/** Tells a process from all others, as well as the system lets it. */
export interface ProcessIdentity {
  /** Within it, a process id is one process: a boot of a machine, and a namespace in there. Absent if unknown. */
  readonly scope?: string;
  readonly pid: number;
  /** In ticks since the boot: process ids are used again. Absent if unknown. */
  readonly startedAt?: string;
}

/** `unknown`: of another container or machine, or on a system that does not say when a process was started. */
export type Standing = 'lives' | 'gone' | 'unknown';

export async function ownIdentity(): Promise<ProcessIdentity> {
  const { pid } = process;
  const [scope, found] = [await findScope(), await findProcess(pid)];
  return { ...(scope && { scope }), pid, ...(found && { startedAt: found.startedAt }) };
}

/** @returns what has become of a process, seen from this one. */
export async function findStanding({ scope, pid, startedAt }: ProcessIdentity): Promise<Standing> {
  if (scope === undefined || scope !== (await findScope())) {
    return 'unknown';
  }
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') {
      return 'gone';
    }
    // It is there, and another user's.
  }
  const found = await findProcess(pid);
  if (!found || startedAt === undefined) {
    return 'unknown';
  }
  return found.startedAt === startedAt && !found.hasEnded ? 'lives' : 'gone';
}

async function findScope(): Promise<string | undefined> {
  if (process.platform !== 'linux') {
    return hostname();
  }
  try {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    return `${boot.trim()} ${await readlink('/proc/self/ns/pid')}`;
  } catch {
    // Not every container has them; what cannot be told apart is watched instead.
    return undefined;
  }
}

/** Of proc(5), `/proc/<pid>/stat`: state and start are the fields 3 and 22. */
async function findProcess(pid: number): Promise<{ startedAt: string; hasEnded: boolean } | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name, field 2, may have blanks and parentheses itself.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const [state = '', startedAt] = [fields[0], fields[19]];
    return startedAt === undefined ? undefined : { startedAt, hasEnded: /^[ZXx]$/.test(state) };
  } catch {
    // No such system, or not for this user.
    return undefined;
  }
}
