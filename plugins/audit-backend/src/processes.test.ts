import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import createKnex from 'knex';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { verifyChains } from './database/verifyChains.js';
import { verifyTrail } from './file/verifyTrail.js';
import { verifyWriters } from './file/verifyWriters.js';
import { callsIn, fileNames, makeFolder } from './testing/trailFolder.js';

// Processes run the built plugin; `npm test` builds it first.
const writer = fileURLToPath(new URL('./testing/writer.mjs', import.meta.url));
const verifyCommand = fileURLToPath(new URL('../dist/verifyCommand.js', import.meta.url));

let folder: ReturnType<typeof makeFolder>;

beforeEach(() => {
  folder = makeFolder();
});

afterEach(() => folder.remove());

const linesOf = (name: string): string[] =>
  existsSync(join(folder.path, name)) ? readFileSync(join(folder.path, name), 'utf8').split('\n').filter(Boolean) : [];

/** A writer that has begun, and goes on until it is killed. */
async function startWriter(task: 'run' | 'append') {
  const child = spawn(process.execPath, [writer, folder.path, task], { stdio: ['ignore', 'pipe', 'pipe'] });
  const errors = text(child.stderr);
  const exit = once(child, 'exit');
  const [first] = await Promise.race([once(child.stdout, 'data'), exit]);
  if (!String(first).startsWith('ready')) {
    throw new Error(`The writer has not started: ${await errors}`);
  }
  const kill = async () => {
    child.kill('SIGKILL');
    await exit;
  };
  return { child, kill };
}

/** Runs a writer until it is killed, so many milliseconds after it has begun. */
async function runAndKill(afterMs: number): Promise<void> {
  const { kill } = await startWriter('run');
  // The moment is the point of the test, and nothing is awaited by it.
  await delay(afterMs);
  await kill();
}

test.each([1, 2])(
  'killed at 50 random moments (%i): nothing ran without its intent, no answer is lost, the chains hold',
  { timeout: 240_000 },
  async () => {
    let torn = 0;
    for (let kill = 0; kill < 50; kill += 1) {
      await runAndKill(Math.random() * 150);
      torn += (await verifyTrail(join(folder.path, 'audit'))).hasTornLine ? 1 : 0;
    }
    await runAndKill(50);

    const directory = join(folder.path, 'audit');
    const calls = callsIn(directory);
    const idsOf = (kind: string) => new Set(calls.filter(call => call.kind === kind).map(call => call.requestId));
    const [intents, outcomes] = [idsOf('intent'), idsOf('outcome')];
    const [ran, answered] = [linesOf('ran'), linesOf('answered')];
    expect(ran.length).toBeGreaterThan(200);
    expect(ran.filter(id => !intents.has(id))).toEqual([]);
    expect(answered.filter(id => !outcomes.has(id))).toEqual([]);
    expect(fileNames(directory).length).toBeGreaterThan(5);
    expect(await verifyTrail(directory)).toMatchObject({ problem: undefined, ok: true });

    const db = createKnex({
      client: 'better-sqlite3',
      connection: join(folder.path, 'audit.sqlite'),
      useNullAsDefault: true,
    });
    try {
      const rows = await db('audit_records').select('request_id', 'kind');
      const inDatabase = new Set(rows.map(({ request_id, kind }) => `${kind} ${request_id}`));
      expect(ran.filter(id => !inDatabase.has(`intent ${id}`))).toEqual([]);
      expect(answered.filter(id => !inDatabase.has(`outcome ${id}`))).toEqual([]);
      expect(await verifyChains(db)).toMatchObject([{ ok: true }]);
    } finally {
      await db.destroy();
    }
    console.info(`${ran.length} calls ran, ${answered.length} were answered, ${torn} lines were torn`);
  },
);

describe('several processes on one folder', () => {
  const started: Awaited<ReturnType<typeof startWriter>>[] = [];
  const start = async () => void started.push(await startWriter('append'));
  const killAll = () => Promise.all(started.splice(0).map(({ kill }) => kill()));

  afterEach(killAll);

  test('write a chain each, also when they are killed and start again, all at once', { timeout: 60_000 }, async () => {
    const directory = join(folder.path, 'audit');
    for (let round = 0; round < 5; round += 1) {
      await Promise.all([start(), start(), start(), start()]);
      await delay(Math.random() * 100);
      await killAll();
    }

    const results = await verifyWriters(directory);
    const calls = results.flatMap(({ writer: name }) => callsIn(join(directory, name)));
    const outcomes = new Set(calls.filter(({ kind }) => kind === 'outcome').map(({ requestId }) => requestId));
    expect(results.map(({ writer: name, problem }) => [name, problem])).toEqual(
      ['', 'writer-2', 'writer-3', 'writer-4'].map(name => [name, undefined]),
    );
    expect(linesOf('answered').length).toBeGreaterThan(100);
    expect(linesOf('answered').filter(id => !outcomes.has(id))).toEqual([]);
  });

  test('keep their folders while they stand still', { timeout: 60_000 }, async () => {
    const directory = join(folder.path, 'audit');
    await start();
    started[0]?.child.kill('SIGSTOP');
    await start();
    const before = callsIn(directory).length;
    started[0]?.child.kill('SIGCONT');
    await vi.waitFor(() => expect(callsIn(directory).length).toBeGreaterThan(before), 10_000);
    await killAll();

    expect(await verifyWriters(directory)).toMatchObject([
      { writer: '', ok: true },
      { writer: 'writer-2', ok: true },
    ]);
  });
});

interface FillResult {
  opened: boolean;
  failure?: string;
  calls?: number;
  intent?: string;
  outcome?: string;
}

async function fill(options: { mode: string; limit?: string; uid?: number }): Promise<FillResult> {
  const command = `${options.limit ?? ''} exec "$0" "$@"`;
  const child = spawn('sh', ['-c', command, process.execPath, writer, folder.path, 'fill', options.mode], {
    stdio: ['ignore', 'pipe', 'ignore'],
    ...(options.uid && { uid: options.uid, gid: options.uid }),
  });
  return JSON.parse(await text(child.stdout));
}

describe('on a disk that fills up', () => {
  // In units of 512 bytes.
  const limit = 'ulimit -f 40;';

  test('strict keeps calls from running, or says that they ran', async () => {
    const result = await fill({ mode: 'strict', limit });

    expect(result.opened).toBe(true);
    expect(result.calls).toBeGreaterThan(5);
    expect([result.intent, result.outcome]).toContainEqual(
      expect.stringMatching(/^audit: "todo:purge-done" (did not run|ran, but)/),
    );
    expect(await verifyTrail(join(folder.path, 'audit'))).toMatchObject({ ok: true });
  });

  test.each(['strict_mutations', 'best_effort'])('%s lets reads go on', async mode => {
    const result = await fill({ mode, limit });

    expect(result).toEqual({ opened: true, calls: 500 });
    expect(callsIn(join(folder.path, 'audit')).length).toBeLessThan(500);
    expect(await verifyTrail(join(folder.path, 'audit'))).toMatchObject({ ok: true });
  });
});

describe('in a folder that can only be read', () => {
  // Nothing is read-only for root; as nobody, it is.
  const uid = process.getuid?.() === 0 ? 65_534 : undefined;

  beforeEach(() => {
    chmodSync(folder.path, 0o755);
    mkdirSync(join(folder.path, 'audit'));
    chmodSync(join(folder.path, 'audit'), 0o555);
  });

  test.each(['strict', 'strict_mutations'])('%s does not open the trail', async mode => {
    expect(await fill({ mode, uid })).toEqual({
      opened: false,
      failure: expect.stringMatching(/^The audit folder .*\/audit cannot be locked for this process, .*: EACCES/),
    });
  });

  test('best_effort does', async () => {
    expect(await fill({ mode: 'best_effort', uid })).toEqual({ opened: true, calls: 500 });
  });
});

describe('the command that verifies', () => {
  async function verify(...args: string[]): Promise<{ code: number; output: string }> {
    const child = spawn(process.execPath, [verifyCommand, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    return { code, output: output + errors };
  }

  test('ends with 0 and the last hash if the trail is in order, which can be asked for later', async () => {
    await fill({ mode: 'strict' });
    const directory = join(folder.path, 'audit');

    const first = await verify(directory);
    const head = first.output.match(/\d+:[0-9a-f]{64}/)?.[0] ?? '';
    const second = await verify(directory, '--head', head);
    const wrong = await verify(
      directory,
      '--head',
      head.replace(/.$/, last => (last === '0' ? '1' : '0')),
    );

    expect(first).toEqual({
      code: 0,
      output: expect.stringMatching(/^In order: 1002 records in 1 files, the last is 1002:/),
    });
    expect(second.code).toBe(0);
    expect(wrong).toEqual({ code: 1, output: expect.stringContaining('changed: the chain was made anew') });
  });

  test('ends with 1 and the first line that is not in order', async () => {
    await fill({ mode: 'strict' });
    const directory = join(folder.path, 'audit');
    const [name = ''] = fileNames(directory);
    const lines = readFileSync(join(directory, name), 'utf8').split('\n');
    writeFileSync(join(directory, name), lines.toSpliced(6, 1).join('\n'));

    expect(await verify(directory)).toEqual({
      code: 1,
      output: `${name}, line 7: removed: records 7 to 7 are missing before it\n`,
    });
  });

  test('looks at the trails of all processes that have written to the folder', async () => {
    const [one, other] = await Promise.all([startWriter('append'), startWriter('append')]);
    await Promise.all([one.kill(), other.kill()]);
    const directory = join(folder.path, 'audit');
    rmSync(join(directory, 'head.json'));

    const changed = await verify(directory);
    const head = changed.output.match(/writer-2:\d+:[0-9a-f]{64}/)?.[0] ?? '';
    rmSync(join(directory, 'writer-2'), { recursive: true });
    const removed = await verify(directory, '--head', head);
    const twice = await verify(directory, '--head', head, '--head', head);

    expect(changed).toMatchObject({ code: 1, output: expect.stringMatching(/^head\.json, line 1: removed: .*$/m) });
    expect(changed.output).toMatch(/^writer-2: In order: \d+ records in \d+ files, the last is writer-2:\d+:/m);
    expect(removed).toMatchObject({
      code: 1,
      output: expect.stringContaining('writer-2/all files, line 1: removed: the trail of this writer is missing'),
    });
    expect(twice).toMatchObject({ code: 1, output: expect.stringContaining('Usage') });
  });

  test('ends with 1 where there is no trail, and without a folder', async () => {
    expect(await verify(folder.path)).toMatchObject({ code: 1, output: expect.stringContaining('no audit trail') });
    expect(await verify()).toMatchObject({ code: 1, output: expect.stringContaining('Usage') });
  });
});
