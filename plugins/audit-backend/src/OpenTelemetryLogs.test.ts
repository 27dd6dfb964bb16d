import { recordingLogger } from '@callboard/test-utils';
import { logs } from '@opentelemetry/api-logs';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AuditRecorder } from './AuditRecorder.js';
import { OpenTelemetryLogs } from './OpenTelemetryLogs.js';
import { auditedCall, success } from './testing/auditedCall.js';

const now = () => new Date('2027-01-02T03:04:05.678Z');

let exporter: InMemoryLogRecordExporter;
let provider: LoggerProvider;
let recorder: AuditRecorder;

beforeEach(async () => {
  exporter = new InMemoryLogRecordExporter();
  provider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] });
  logs.setGlobalLoggerProvider(provider);
  const { logger } = recordingLogger();
  const listener = new OpenTelemetryLogs();
  recorder = new AuditRecorder({
    failureMode: 'strict',
    maxInputBytes: 1_000,
    logger,
    alerts: { raise() {} },
    listener,
    now,
  });
  await recorder.open([]);
});

afterEach(async () => {
  logs.disable();
  await provider.shutdown();
});

test('a call that runs is two log records with the fields under their usual names', async () => {
  const call = auditedCall({
    agentId: 'triage',
    server: 'ops',
    fingerprint: 'abc',
    mode: 'safe',
    decision: 'needs_approval_accepted',
    approval: { id: 'approval-1', decidedBy: 'user:default/bob', channel: 'page' },
  });

  await (await recorder.begin(call)).finish({ durationMs: 12.4, error: undefined });

  const [intent, outcome] = exporter.getFinishedLogRecords();
  const about = {
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': 'todo.purge-done',
    'gen_ai.agent.id': 'triage',
    'enduser.id': 'user:default/ada',
    'callboard.request.id': call.requestId,
    'callboard.client.id': 'ci',
    'callboard.door': 'mcp',
    'callboard.server': 'ops',
    'callboard.action.id': 'todo:purge-done',
    'callboard.action.fingerprint': 'abc',
    'callboard.action.effect': 'delete',
    'callboard.mode': 'safe',
    'callboard.decision': 'needs_approval_accepted',
    'callboard.approval.id': 'approval-1',
    'callboard.approval.decided_by': 'user:default/bob',
    'callboard.approval.channel': 'page',
  };
  expect(intent).toMatchObject({
    eventName: 'callboard.action.intent',
    severityText: 'INFO',
    body: 'user:default/ada with ci is about to call todo:purge-done (delete): needs_approval_accepted',
    hrTime: [now().getTime() / 1_000 - 0.678, 678_000_000],
  });
  expect(intent?.attributes).toEqual({ ...about, 'gen_ai.tool.call.arguments': '{"olderThanDays":3}' });
  expect(outcome).toMatchObject({
    eventName: 'callboard.action.outcome',
    severityText: 'INFO',
    body: 'user:default/ada with ci has called todo:purge-done (delete) in 12 ms, and it succeeded',
  });
  expect(outcome?.attributes).toEqual({ ...about, 'callboard.duration': 0.0124 });
});

test('what fails or is refused stands out', async () => {
  const error = { name: 'ConflictError', message: 'No' };
  await (await recorder.begin(auditedCall())).finish({ durationMs: 1, error });
  await recorder.refuse(auditedCall({ decision: 'refuse_unknown', actionId: undefined, effect: undefined }), {
    durationMs: 1,
    error: { name: 'NotFoundError', message: 'Nothing there' },
  });

  const [, outcome, refusal] = exporter.getFinishedLogRecords();
  expect(outcome).toMatchObject({
    severityText: 'WARN',
    body: expect.stringMatching(/, and it failed: ConflictError: No$/),
    attributes: { 'error.type': 'ConflictError', 'error.message': 'No' },
  });
  expect(refusal).toMatchObject({
    severityText: 'WARN',
    body: 'user:default/ada with ci was not let through to todo.purge-done: refuse_unknown: NotFoundError: Nothing there',
  });
});

test('secrets are hidden as they are in the trail', async () => {
  const call = auditedCall({ input: { password: 'canary-22', note: 'canary-22' } });

  await (await recorder.begin(call)).finish({ durationMs: 1, error: { name: 'Error', message: 'not canary-22' } });

  const records = exporter.getFinishedLogRecords();
  expect(records).toHaveLength(2);
  expect(JSON.stringify(records.map(({ body, attributes }) => [body, attributes]))).not.toContain('canary');
});

test('a processor that throws keeps no call from running, and is in the log once', async () => {
  const { logger, logs: lines } = recordingLogger();
  const listener = {
    receive() {
      throw new Error('full');
    },
  };
  const failing = new AuditRecorder({
    failureMode: 'strict',
    maxInputBytes: 1_000,
    logger,
    alerts: { raise() {} },
    listener,
    now,
  });
  await failing.open([]);

  await (await failing.begin(auditedCall())).finish(success);

  expect(lines).toMatchObject([{ level: 'warn', message: expect.stringContaining('full') }]);
});
