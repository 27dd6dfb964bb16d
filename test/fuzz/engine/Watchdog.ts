import { Worker } from 'node:worker_threads';

/** Longer than any case that is asynchronous may take, after which its own timer ends it. */
const LIMIT_SECONDS = 120;

const source = `
const { workerData } = require('node:worker_threads');
const { writeSync } = require('node:fs');
const beat = new Int32Array(workerData.beat);
let last = -1;
let since = Date.now();
setInterval(() => {
  const now = Atomics.load(beat, 0);
  if (now !== last || Atomics.load(beat, 2) === 0) {
    last = now;
    since = Date.now();
  } else if (Date.now() - since > ${LIMIT_SECONDS * 1000}) {
    const target = workerData.targets[Atomics.load(beat, 2) - 1];
    writeSync(2, '\\nIt hangs: a case of "' + target + '" has not ended within ${LIMIT_SECONDS} seconds. Again: npm run fuzz -- --target ' + target + ' --seed ' + Atomics.load(beat, 1) + '\\n');
    process.kill(process.pid, 'SIGKILL');
  }
}, 1000);
`;

/** Ends the process when a case keeps the thread to itself for good, and says which. */
export class Watchdog {
  readonly #beat = new Int32Array(new SharedArrayBuffer(12));
  readonly #targets: readonly string[];
  #worker: Worker | undefined;

  constructor(options: { targets: readonly string[] }) {
    this.#targets = options.targets;
  }

  start(): void {
    this.#worker = new Worker(source, { eval: true, workerData: { beat: this.#beat.buffer, targets: this.#targets } });
    this.#worker.unref();
  }

  /** A case begins. */
  sees(target: string, batchSeed: number): void {
    Atomics.add(this.#beat, 0, 1);
    Atomics.store(this.#beat, 1, batchSeed);
    Atomics.store(this.#beat, 2, this.#targets.indexOf(target) + 1);
  }

  /** No case is under way. */
  rests(): void {
    Atomics.store(this.#beat, 2, 0);
  }

  async stop(): Promise<void> {
    await this.#worker?.terminate();
  }
}
