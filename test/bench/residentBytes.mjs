import { execFileSync } from 'node:child_process';

/** @returns What a process holds in memory, in bytes. */
export function readResidentBytes(pid) {
  const kilobytes = Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }));
  if (!(kilobytes > 0)) {
    throw new Error(`ps does not know how much memory process ${pid} holds`);
  }
  return kilobytes * 1024;
}
