import { execFileSync } from 'node:child_process';

/**
 * Keeps this process, which makes the load, on one core, and names another for the servers.
 *
 * @returns The core for the servers, or undefined where there is no `taskset` or just one core.
 */
export function separateCores() {
  try {
    const [serverCore, loadCore] = allowedCores();
    if (loadCore === undefined) {
      return undefined;
    }
    execFileSync('taskset', ['-acp', String(loadCore), String(process.pid)], { stdio: 'ignore' });
    return serverCore;
  } catch {
    return undefined; // taskset is part of Linux distributions only
  }
}

function allowedCores() {
  const answer = execFileSync('taskset', ['-cp', String(process.pid)], { encoding: 'utf8' });
  return parseCoreList(answer.slice(answer.lastIndexOf(':') + 1).trim());
}

/** Reads what taskset prints: `0,2-3` means 0, 2 and 3. */
export function parseCoreList(text) {
  return text.split(',').flatMap(part => {
    const [first, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
  });
}
