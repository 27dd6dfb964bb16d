import { canonicalJson } from '@callboard/actions-api';
import { type LogAttributes, type Logger, logs, SeverityNumber } from '@opentelemetry/api-logs';
import type { RecordListener } from './AuditRecorder.js';
import type { CallRecord } from './record/records.js';

/**
 * Passes records on as log records of OpenTelemetry, to the logger provider of the process. Without
 * an SDK they go nowhere; whether they arrive is not known here.
 */
export class OpenTelemetryLogs implements RecordListener {
  readonly #logger: Logger;

  constructor(options: { logger?: Logger } = {}) {
    this.#logger = options.logger ?? logs.getLogger('@callboard/plugin-audit-backend');
  }

  receive(record: CallRecord): void {
    const isBad = record.kind === 'refusal' || record.error !== undefined;
    this.#logger.emit({
      eventName: `callboard.action.${record.kind}`,
      timestamp: new Date(record.time),
      severityNumber: isBad ? SeverityNumber.WARN : SeverityNumber.INFO,
      severityText: isBad ? 'WARN' : 'INFO',
      body: describeRecord(record),
      attributes: attributesOf(record),
    });
  }
}

/** Names of OpenTelemetry's conventions where there are any, the same as on spans and metrics of calls. */
function attributesOf(record: CallRecord): LogAttributes {
  const attributes: LogAttributes = {
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': record.name,
    'gen_ai.tool.call.arguments': record.input === undefined ? undefined : canonicalJson(record.input),
    'gen_ai.agent.id': record.agentId,
    'enduser.id': record.principal,
    'error.type': record.error?.name,
    'error.message': record.error?.message,
    'callboard.request.id': record.requestId,
    'callboard.client.id': record.clientId,
    'callboard.door': record.door,
    'callboard.server': record.server,
    'callboard.action.id': record.actionId,
    'callboard.action.fingerprint': record.fingerprint,
    'callboard.action.effect': record.effect,
    'callboard.mode': record.mode,
    'callboard.decision': record.decision,
    'callboard.approval.id': record.approvalId,
    'callboard.approval.decided_by': record.decidedBy,
    'callboard.approval.channel': record.channel,
    'callboard.input.bytes': record.inputBytes,
    'callboard.duration': record.durationMs === undefined ? undefined : record.durationMs / 1_000,
  };
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}

/** The record in one sentence. */
export function describeRecord({ kind, principal, clientId, actionId, name, effect, ...rest }: CallRecord): string {
  const who = clientId === undefined ? principal : `${principal} with ${clientId}`;
  const what = effect === undefined ? (actionId ?? name) : `${actionId ?? name} (${effect})`;
  const { decision, error, durationMs = 0 } = rest;
  const failure = error ? `: ${error.name}: ${error.message}` : '';
  switch (kind) {
    case 'intent':
      return `${who} is about to call ${what}: ${decision}`;
    case 'outcome':
      return `${who} has called ${what} in ${Math.round(durationMs)} ms, and it ${error ? 'failed' : 'succeeded'}${failure}`;
    case 'refusal':
      return `${who} was not let through to ${what}: ${decision}${failure}`;
  }
}
