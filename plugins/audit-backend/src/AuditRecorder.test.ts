import { existsSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ServiceUnavailableError } from '@backstage/errors';
import type { Alert } from '@callboard/actions-api';
import { recordingLogger } from '@callboard/test-utils';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AuditRecorder, type FailureMode } from './AuditRecorder.js';
import { FileTrail } from './file/FileTrail.js';
import { nameOfFile } from './file/trailFiles.js';
import { verifyTrail } from './file/verifyTrail.js';
import { auditedCall, success } from './testing/auditedCall.js';
import { callsIn, makeFolder, recordsIn, textOf } from './testing/trailFolder.js';

let folder: ReturnType<typeof makeFolder>;
let directory: string;
let logs: ReturnType<typeof recordingLogger>['logs'];
let recorder: AuditRecorder;
let raised: Omit<Alert, 'time'>[];

const alerts = { raise: (alert: Omit<Alert, 'time'>) => void raised.push(alert) };

beforeEach(() => {
  raised = [];
  folder = makeFolder();
  directory = join(folder.path, 'audit');
});

afterEach(async () => {
  await recorder.close();
  folder.remove();
});

async function open(failureMode: FailureMode = 'strict'): Promise<AuditRecorder> {
  const recording = recordingLogger();
  logs = recording.logs;
  const { logger } = recording;
  const now = () => new Date();
  const limits = { maxBytes: 10_000_000, maxAgeMs: 3_600_000, maxFiles: 10 };
  recorder = new AuditRecorder({ failureMode, maxInputBytes: 1_000, logger, alerts, now });
  await recorder.open([new FileTrail({ directory, limits, logger, now })]);
  return recorder;
}

test('a call that runs leaves its intent and its outcome', async () => {
  await open();
  const approval = { id: 'approval-1', decidedBy: 'user:default/bob', channel: 'page' } as const;
  const call = auditedCall({ fingerprint: 'abc', agentId: 'triage', mode: 'safe', approval });

  const entry = await recorder.begin(call);
  const afterBegin = callsIn(directory);
  await entry.finish({ durationMs: 12.5, error: { name: 'ConflictError', message: 'No' } });

  const about = {
    requestId: call.requestId,
    principal: 'user:default/ada',
    clientId: 'ci',
    agentId: 'triage',
    door: 'mcp',
    name: 'todo.purge-done',
    actionId: 'todo:purge-done',
    effect: 'delete',
    mode: 'safe',
    decision: 'allow',
    approvalId: 'approval-1',
    decidedBy: 'user:default/bob',
    channel: 'page',
    fingerprint: 'abc',
  };
  expect(afterBegin).toMatchObject([{ kind: 'intent', ...about, input: { olderThanDays: 3 } }]);
  expect(callsIn(directory)[1]).toMatchObject({
    kind: 'outcome',
    ...about,
    durationMs: 12.5,
    error: { name: 'ConflictError', message: 'No' },
  });
  expect(callsIn(directory)[1]).not.toHaveProperty('input');
});

test('a refused call leaves one record', async () => {
  await open();

  await recorder.refuse(auditedCall({ decision: 'refuse_input', effect: undefined, actionId: undefined }), {
    durationMs: 1,
    error: { name: 'InputError', message: 'days: expected number' },
  });

  expect(callsIn(directory)).toMatchObject([
    { kind: 'refusal', decision: 'refuse_input', input: { olderThanDays: 3 }, error: { name: 'InputError' } },
  ]);
});

test('secrets are not in the trail, wherever they come up', async () => {
  await open();
  const call = auditedCall({
    name: 'todo.x?token=canary-1',
    input: { password: 'canary-22', url: 'https://ada:canary-3@example.com', note: 'canary-22' },
  });

  const entry = await recorder.begin(call);
  await entry.finish({ durationMs: 1, error: { name: 'Error', message: 'cannot sign in with canary-22' } });
  await recorder.refuse(call, { durationMs: 1, error: { name: 'Error', message: 'Bearer canary-4444' } });

  expect(callsIn(directory)).toHaveLength(3);
  expect(textOf(directory)).not.toContain('canary');
});

test('10,000 records at once are written in the order in which they came', async () => {
  await open();
  const calls = Array.from({ length: 10_000 }, (_, n) => auditedCall({ input: { n } }));

  await Promise.all(calls.map(call => recorder.begin(call)));

  expect(callsIn(directory).map(({ requestId }) => requestId)).toEqual(calls.map(({ requestId }) => requestId));
  expect(recordsIn(directory).map(({ seq }) => seq)).toEqual(Array.from({ length: 10_002 }, (_, n) => n + 1));
  expect(await verifyTrail(directory)).toMatchObject({ ok: true, records: 10_002 });
});

test('calls that come before the trail is open wait for it', async () => {
  const recording = recordingLogger();
  const { logger } = recording;
  const now = () => new Date();
  recorder = new AuditRecorder({ failureMode: 'strict', maxInputBytes: 1_000, logger, alerts, now });

  const early = recorder.begin(auditedCall());
  const limits = { maxBytes: 10_000_000, maxAgeMs: 3_600_000, maxFiles: 10 };
  await recorder.open([new FileTrail({ directory, limits, logger, now })]);
  await early;

  expect(callsIn(directory)).toHaveLength(1);
});

test('calls that come when the trail is never opened do not run', async () => {
  const { logger } = recordingLogger();
  const never = new AuditRecorder({
    failureMode: 'strict',
    maxInputBytes: 1_000,
    logger,
    alerts,
    now: () => new Date(),
    writeTimeoutMs: 20,
  });

  await expect(never.begin(auditedCall())).rejects.toThrow(ServiceUnavailableError);
  await open();
});

describe.each<{ mode: FailureMode; effect: 'read' | 'delete'; isRefused: boolean }>([
  { mode: 'strict', effect: 'read', isRefused: true },
  { mode: 'strict', effect: 'delete', isRefused: true },
  { mode: 'strict_mutations', effect: 'read', isRefused: false },
  { mode: 'strict_mutations', effect: 'delete', isRefused: true },
  { mode: 'best_effort', effect: 'read', isRefused: false },
  { mode: 'best_effort', effect: 'delete', isRefused: false },
])('when a $effect cannot be recorded, $mode', ({ mode, effect, isRefused }) => {
  const call = () => auditedCall({ effect, requestId: 'request-1' });
  // The folder is gone and cannot be made again.
  const breakFolder = () => {
    renameSync(directory, `${directory}.away`);
    writeFileSync(directory, '');
  };
  const mendFolder = () => {
    rmSync(directory);
    renameSync(`${directory}.away`, directory);
  };

  test(isRefused ? 'keeps it from running' : 'lets it run', async () => {
    await open(mode);
    breakFolder();

    const begun = recorder.begin(call());

    if (isRefused) {
      await expect(begun).rejects.toThrow(ServiceUnavailableError);
      await expect(begun).rejects.toThrow('audit: "todo:purge-done" did not run');
    } else {
      await expect((await begun).finish(success)).resolves.toBeUndefined();
    }
  });

  test(isRefused ? 'says that it ran, if it is the outcome' : 'says nothing of a lost outcome', async () => {
    await open(mode);
    const entry = await recorder.begin(call());
    breakFolder();

    const finished = entry.finish(success);

    if (isRefused) {
      await expect(finished).rejects.toThrow(ServiceUnavailableError);
      await expect(finished).rejects.toThrow(/audit: "todo:purge-done" ran, but .* request-1/);
    } else {
      await expect(finished).resolves.toBeUndefined();
    }
  });

  test('logs it and raises the alarm once, and goes on when it can', async () => {
    await open(mode);
    breakFolder();
    await Promise.allSettled([1, 2, 3].map(() => recorder.begin(call())));
    mendFolder();

    await recorder.begin(call());

    expect(logs.filter(({ level }) => level === 'error')).toMatchObject([
      { message: expect.stringMatching(/The audit trail cannot be written to .*(ENOTDIR|EEXIST)/) },
    ]);
    expect(raised).toEqual([
      {
        event: 'audit_failure',
        message: expect.stringContaining('The audit trail cannot be written to its files; until it can, calls'),
        details: { place: 'files' },
      },
    ]);
    expect(JSON.stringify(raised)).not.toContain(directory);
    expect(logs).toContainEqual(expect.objectContaining({ message: expect.stringContaining('3 records were not') }));
    expect(callsIn(directory)).toHaveLength(1);
    expect(await verifyTrail(directory)).toMatchObject({ ok: true });
  });
});

describe.skipIf(!existsSync('/dev/full'))('on a disk that is full from the start', () => {
  beforeEach(async () => {
    await open();
    await recorder.close();
    rmSync(join(directory, nameOfFile(1)));
    rmSync(join(directory, 'head.json'));
    symlinkSync('/dev/full', join(directory, nameOfFile(1)));
  });

  test.each<FailureMode>(['strict', 'strict_mutations'])('%s does not open the trail', async mode => {
    await expect(open(mode)).rejects.toThrow('ENOSPC');
  });

  test('best_effort does, and says so', async () => {
    await open('best_effort');

    const entry = await recorder.begin(auditedCall());
    await entry.finish(success);

    expect(logs).toContainEqual(expect.objectContaining({ message: expect.stringContaining('ENOSPC') }));
    expect(readFileSync(join(directory, 'head.json'), 'utf8')).toContain('"seq":0');
  });
});
