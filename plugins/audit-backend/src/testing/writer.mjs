// A process that audits calls; processes.test.ts ends it or takes away its disk. Works on the built plugin.
import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import createKnex from 'knex';
import { AuditRecorder } from '../../dist/AuditRecorder.js';
import { openDatabase } from '../../dist/database/openDatabase.js';
import { SqlTrail } from '../../dist/database/SqlTrail.js';
import { FileTrail } from '../../dist/file/FileTrail.js';

const [folder, task, failureMode = 'strict'] = process.argv.slice(2);
const now = () => new Date();
const log = message => void process.stderr.write(`${message}\n`);
const logger = { error: log, warn: log, info: log, debug: log, child: () => logger };
const alerts = { raise: ({ message }) => log(message) };
const recorder = new AuditRecorder({ failureMode, maxInputBytes: 4_096, logger, alerts, now });
const directory = join(folder, 'audit');
const limits = { maxBytes: task === 'fill' ? 1e9 : 20_000, maxAgeMs: 3_600_000, maxFiles: 100_000 };
const files = new FileTrail({ directory, limits, logger, now });

const tasks = { run, append, fill };
await tasks[task]();

function call(effect) {
  const padding = 'x'.repeat(Math.floor(Math.random() * 1_000));
  return {
    requestId: crypto.randomUUID(),
    startedAt: now().toISOString(),
    principal: 'user:default/ada',
    door: 'mcp',
    name: 'todo.purge-done',
    actionId: 'todo:purge-done',
    effect,
    input: { padding },
    decision: 'allow',
  };
}

/** Calls without end; notes each that runs, and each whose caller has got an answer. */
async function run() {
  const db = createKnex({
    client: 'better-sqlite3',
    connection: join(folder, 'audit.sqlite'),
    useNullAsDefault: true,
  });
  await openDatabase({ getClient: async () => db });
  await callForever([files, new SqlTrail({ db, chain: await files.findChain(), now })]);
}

/** The same, to files only. */
async function append() {
  await callForever([files]);
}

async function callForever(sinks) {
  await recorder.open(sinks);
  const ran = openSync(join(folder, 'ran'), 'a');
  const answered = openSync(join(folder, 'answered'), 'a');
  const callInTurn = async () => {
    for (;;) {
      const one = call('delete');
      const entry = await recorder.begin(one);
      writeSync(ran, `${one.requestId}\n`);
      await entry.finish({ durationMs: 1 });
      writeSync(answered, `${one.requestId}\n`);
    }
  };
  process.stdout.write('ready\n');
  await Promise.all(Array.from({ length: 16 }, callInTurn));
}

/** Calls until something goes wrong, and tells what then becomes of reads and writes. */
async function fill() {
  const result = { opened: false };
  try {
    await recorder.open([files]);
    result.opened = true;
  } catch (error) {
    result.failure = error.message;
  }
  for (let calls = 0; result.opened && calls < 500 && !result.outcome; calls += 1) {
    const one = call('read');
    const [entry] = await Promise.allSettled([recorder.begin(one)]);
    const [end] = await Promise.allSettled([entry.value?.finish({ durationMs: 1 })]);
    if (entry.status === 'rejected') {
      result.intent = entry.reason.message;
    }
    if (end.status === 'rejected') {
      result.outcome = end.reason.message;
    }
    result.calls = calls + 1;
  }
  process.stdout.write(JSON.stringify(result));
}
