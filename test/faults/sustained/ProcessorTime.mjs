import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks a second, on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** How many cores groups of processes, and all of the machine, have been busy with since. */
export class ProcessorTime {
  #pids;
  #before;
  #startMs = performance.now();

  /** @param {Record<string, (number | undefined)[]>} pids By what they are; children count, too. */
  constructor(pids) {
    this.#pids = pids;
    this.#before = this.#read();
  }

  /** @returns {Record<string, number> | undefined} `undefined` where the system does not tell. */
  read() {
    const now = this.#read();
    if (!now || !this.#before) {
      return undefined;
    }
    const seconds = (performance.now() - this.#startMs) / 1000;
    return Object.fromEntries(
      Object.entries(now).map(([name, ticks]) => [name, (ticks - this.#before[name]) / ticksPerSecond / seconds]),
    );
  }

  #read() {
    try {
      const processes = readProcesses();
      const groups = Object.entries(this.#pids).map(([name, pids]) => [
        name,
        processes
          .filter(({ pid, parent }) => pids.includes(pid) || (name !== 'load' && pids.includes(parent)))
          .reduce((sum, { ticks, ticksOfEnded }) => sum + ticks + ticksOfEnded, 0),
      ]);
      return Object.fromEntries([...groups, ['machine', readBusyTicks()]]);
    } catch {
      // Not Linux.
      return undefined;
    }
  }
}

function readProcesses() {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(name => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const [user, system, userOfEnded, systemOfEnded] = fields.slice(11, 15).map(Number);
        return [
          {
            pid: Number(name),
            parent: Number(fields[1]),
            ticks: user + system,
            ticksOfEnded: userOfEnded + systemOfEnded,
          },
        ];
      } catch {
        // It has ended since.
        return [];
      }
    });
}

function readBusyTicks() {
  const [, user, nice, system, , , irq, softIrq] = readFileSync('/proc/stat', 'utf8').split('\n')[0].split(/\s+/);
  return [user, nice, system, irq, softIrq].reduce((sum, ticks) => sum + Number(ticks), 0);
}
