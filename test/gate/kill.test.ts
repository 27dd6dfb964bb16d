import { type ChildProcess, spawn } from 'node:child_process';
import { type EventEmitter, on, once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { verifyTrail } from '@callboard/plugin-audit-backend';
import { freePort } from '@callboard/test-utils';
import createKnex from 'knex';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seededRandom } from '../../packages/actions/src/testing/random.js';
import { verifyChains } from '../../plugins/audit-backend/src/database/verifyChains.js';
import { callsIn } from '../../plugins/audit-backend/src/testing/trailFolder.js';
import { bundleServer } from './testing/bundleServer.js';
import { tokenOf } from './testing/startGate.js';

const KILLS = 200;
/** As many as the machine has cores, at least. */
const LANES = 2;
const WORKERS_PER_LANE = 6;
/** A server is killed when it has given so many answers at most, and a moment later. */
const MOST_ANSWERS = 40;
const LONGEST_MOMENT_MS = 10;

const seed = Number(process.env.CALLBOARD_TEST_SEED ?? Date.now() % 1_000_000);

let bundle: Awaited<ReturnType<typeof bundleServer>>;

beforeAll(async () => {
  bundle = await bundleServer();
});
afterAll(() => bundle?.remove());

/** What the driver knows of one call that has to be approved. */
interface Errand {
  readonly key: string;
  /** At most one is ever approved for a key. */
  approvalId?: string;
  isApproved: boolean;
  /** The caller has been told that the call ran. */
  isAnswered: boolean;
  /** There is nothing more to do for it. */
  isOver: boolean;
}

/** A folder, a port, and a server that is killed and started again. */
class Lane {
  readonly folder = mkdtempSync(join(tmpdir(), 'callboard-kill-'));
  readonly errands: Errand[] = [];
  readonly #name: string;
  readonly #random: () => number;
  readonly #port: number;
  /** Those that a worker is about. */
  readonly #busy = new Set<Errand>();
  #onAnswer = () => {};
  #spare: ChildProcess;
  #current: ChildProcess | undefined;

  private constructor(options: { name: string; random: () => number; port: number }) {
    this.#name = options.name;
    this.#random = options.random;
    this.#port = options.port;
    this.#spare = this.#load();
  }

  static async open(index: number): Promise<Lane> {
    return new Lane({ name: `lane${index}`, random: seededRandom(seed + index), port: await freePort() });
  }

  /** Has the code that the server has run by now kept for those that come after it. */
  async warmUp(): Promise<void> {
    await this.#start();
    for (let index = 0; index < 5; index += 1) {
      await this.#advance(this.#takeErrand(), new AbortController().signal);
    }
    this.#current?.kill('SIGUSR2');
    await this.#output('kept');
    await this.#kill();
  }

  /** Keeps workers busy until a server has been killed so many times. */
  async run(kills: number): Promise<void> {
    for (let kill = 0; kill < kills; kill += 1) {
      await this.#start();
      const stop = new AbortController();
      const enough = this.#answers(1 + Math.floor(this.#random() * MOST_ANSWERS));
      const workers = Promise.all(Array.from({ length: WORKERS_PER_LANE }, () => this.#work(stop.signal)));
      // A failure is thrown below, when the server is down.
      workers.catch(() => {});
      await Promise.race([enough, workers]);
      // The moment is the point of the test, and nothing is awaited by it.
      await delay(this.#random() * LONGEST_MOMENT_MS);
      await this.#kill();
      stop.abort();
      await workers;
    }
  }

  /** Lets a last server finish what is open. */
  async finish(): Promise<void> {
    await this.#start();
    const stop = new AbortController();
    for (const errand of this.errands) {
      await this.#advance(errand, stop.signal);
    }
  }

  async close(): Promise<void> {
    this.#spare.kill('SIGKILL');
    await this.#kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #load(): ChildProcess {
    return spawn(process.execPath, ['--no-warnings', bundle.path, this.folder, String(this.#port)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
  }

  async #start(): Promise<void> {
    const child = this.#spare;
    this.#current = child;
    this.#spare = this.#load();
    child.stdin?.write('go\n');
    await this.#output('ready');
  }

  async #output(word: string): Promise<void> {
    const { stdout } = this.#current as ChildProcess;
    for await (const output of on(stdout as EventEmitter, 'data', { close: ['end'] })) {
      if (String(output).includes(word)) {
        return;
      }
    }
    throw new Error(`The server has ended before it was ${word}`);
  }

  /** Settles when the server has given so many answers from now on. */
  #answers(count: number): Promise<void> {
    return new Promise(resolve => {
      let left = count;
      this.#onAnswer = () => {
        left -= 1;
        if (left === 0) {
          resolve();
        }
      };
    });
  }

  async #kill(): Promise<void> {
    const child = this.#current;
    if (child && child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }

  /** One errand after the other: first those that the server before this has left half done. */
  async #work(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const errand = this.#takeErrand();
      this.#busy.add(errand);
      try {
        await this.#advance(errand, signal);
      } catch (error) {
        if (!isCutOff(error)) {
          throw error;
        }
        return;
      } finally {
        this.#busy.delete(errand);
      }
    }
  }
  /** One that is left, or a new one. */
  #takeErrand(): Errand {
    const left = this.errands.find(errand => !errand.isOver && !this.#busy.has(errand));
    if (left) {
      return left;
    }
    const errand = { key: `${this.#name}-${this.errands.length}`, isApproved: false, isAnswered: false, isOver: false };
    this.errands.push(errand);
    return errand;
  }

  /** Asks for an approval, obtains it, and makes the call, several times at once. */
  async #advance(errand: Errand, signal: AbortSignal): Promise<void> {
    if (!errand.approvalId) {
      const { body } = await this.#call(errand.key);
      errand.approvalId = body.error.approval.id;
    }
    if (!errand.isApproved) {
      const { status, body } = await this.#request(
        `/api/approvals/v1/approvals/${errand.approvalId}/approve`,
        'boss',
        {},
      );
      // An answer that was lost: it is approved already.
      expect([200, 409], JSON.stringify(body)).toContain(status);
      errand.isApproved = true;
    }
    while (!errand.isOver && !signal.aborted) {
      const attempts = await Promise.allSettled([this.#call(errand.key), this.#call(errand.key)]);
      const answers = attempts.flatMap(attempt => (attempt.status === 'fulfilled' ? [attempt.value] : []));
      errand.isAnswered ||= answers.some(({ status }) => status === 200);
      // Whoever is asked for another approval learns that this one is used.
      errand.isOver = answers.some(({ body }) => (body.error?.approval?.id ?? errand.approvalId) !== errand.approvalId);
      const cut = attempts.find(attempt => attempt.status === 'rejected');
      if (cut) {
        throw cut.reason;
      }
    }
  }

  #call(key: string) {
    return this.#request('/api/ledger/.backstage/actions/v1/actions/ledger:enter/invoke', 'agent', { key });
  }

  async #request(path: string, caller: string, given: unknown) {
    const response = await fetch(`http://127.0.0.1:${this.#port}${path}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${tokenOf(caller)}`, 'Content-Type': 'application/json', Connection: 'close' },
      body: JSON.stringify(given),
    });
    // biome-ignore lint/suspicious/noExplicitAny: answers of every shape.
    const body = (await response.json()) as any;
    this.#onAnswer();
    return { status: response.status, body };
  }
}

/** How `fetch` says that nobody is there, or not any more. */
const isCutOff = (error: unknown) => error instanceof TypeError && /^(fetch failed|terminated)$/.test(error.message);

const linesOf = (path: string): string[] =>
  existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];

async function query<T>(
  folder: string,
  plugin: string,
  ask: (db: ReturnType<typeof createKnex>) => Promise<T>,
): Promise<T> {
  const connection = join(folder, 'database', `${plugin}.sqlite`);
  const db = createKnex({ client: 'better-sqlite3', connection, useNullAsDefault: true });
  try {
    return await ask(db);
  } finally {
    await db.destroy();
  }
}

/** Checks all that a lane has left behind, and counts what happened. */
async function check(lane: Lane) {
  const ledger = linesOf(join(lane.folder, 'ledger'));
  const directory = join(lane.folder, 'audit');
  const calls = callsIn(directory);
  const keysOf = (kind: string) =>
    calls.filter(call => call.kind === kind).map(call => (call.input as { key?: string } | undefined)?.key);
  const intents = new Set(keysOf('intent'));
  const outcomes = new Set(calls.filter(call => call.kind === 'outcome').map(call => call.requestId));
  const requestIds = new Map(
    calls.filter(call => call.kind === 'intent').map(call => [(call.input as { key: string }).key, call.requestId]),
  );
  const approvals = new Map(
    (await query(lane.folder, 'approvals', db => db('approvals').select('id', 'state'))).map(({ id, state }) => [
      id,
      state,
    ]),
  );
  const audited = await query(lane.folder, 'audit', db => db('audit_records').select('request_id', 'kind'));
  const inDatabase = new Set(audited.map(row => `${row.kind} ${row.request_id}`));
  const answered = lane.errands.filter(({ isAnswered }) => isAnswered).map(({ key }) => key);

  // No approval ran twice, and no write without a record that it was about to happen.
  expect(ledger).toHaveLength(new Set(ledger).size);
  expect(ledger.filter(key => !intents.has(key))).toEqual([]);
  expect(keysOf('intent')).toHaveLength(intents.size);
  // What the caller was told of has happened, and its outcome is on record; in the database as in the files.
  expect(answered.filter(key => !ledger.includes(key))).toEqual([]);
  expect(answered.filter(key => !outcomes.has(requestIds.get(key) ?? ''))).toEqual([]);
  expect(ledger.filter(key => !inDatabase.has(`intent ${requestIds.get(key)}`))).toEqual([]);
  // Every approval that was given is used; what is used and did not run was cut off in between: by each kill one per worker at most.
  const states = lane.errands.map(({ approvalId = '' }) => approvals.get(approvalId));
  expect(new Set(states)).toEqual(new Set(['used']));
  const cutOff = lane.errands.filter(({ key }) => !ledger.includes(key));
  expect(cutOff.length).toBeLessThanOrEqual((KILLS / LANES) * WORKERS_PER_LANE);
  expect(await verifyTrail(directory)).toMatchObject({ problem: undefined, ok: true });
  expect(await query(lane.folder, 'audit', db => verifyChains(db))).toMatchObject([{ ok: true }]);
  return { ran: ledger.length, answered: answered.length, cutOff: cutOff.length };
}

test(`killed at ${KILLS} random moments: nothing ran twice, unapproved or unrecorded, and the chains hold`, {
  timeout: 600_000,
}, async () => {
  console.info(`Seed of the moments: ${seed} (CALLBOARD_TEST_SEED)`);
  const lanes = await Promise.all(Array.from({ length: LANES }, (_, index) => Lane.open(index)));
  try {
    await lanes[0]?.warmUp();
    await Promise.all(lanes.map(lane => lane.run(KILLS / LANES)));
    await Promise.all(lanes.map(lane => lane.finish()));

    for (const lane of lanes) {
      const { ran, answered, cutOff } = await check(lane);
      console.info(`${ran} calls ran, ${answered} were answered, ${cutOff} were cut off between approval and run`);
      expect(ran).toBeGreaterThan(KILLS / LANES);
      expect(ran - answered).toBeGreaterThan(0);
    }
  } finally {
    await Promise.all(lanes.map(lane => lane.close()));
  }
});
