import { canonicalJson } from '@callboard/actions-api';
import type { CallRecord, SealedRecord, TrailRecord } from '../record/records.js';

/** A record as its table holds it. PostgreSQL gives large integers as text. */
export interface RecordRow {
  chain: string;
  seq: number | string;
  kind: SealedRecord['kind'];
  time: string;
  request_id: string | null;
  principal: string | null;
  client_id: string | null;
  agent_id: string | null;
  door: string | null;
  server: string | null;
  name: string | null;
  action_id: string | null;
  effect: CallRecord['effect'] | null;
  mode: CallRecord['mode'] | null;
  decision: string | null;
  approval_id: string | null;
  decided_by: string | null;
  channel: CallRecord['channel'] | null;
  fingerprint: string | null;
  input: string | null;
  input_bytes: number | string | null;
  duration_ms: number | null;
  error_name: string | null;
  error_message: string | null;
  prev_hash: string;
  hash: string;
}

export function toRow(record: SealedRecord): RecordRow {
  const call = record as Partial<CallRecord>;
  const { requestId, principal, clientId, agentId, door, server, name, actionId, fingerprint } = call;
  const { effect, mode, decision, approvalId, decidedBy, channel, input, inputBytes, durationMs, error } = call;
  return {
    chain: record.chain,
    seq: record.seq,
    kind: record.kind,
    time: record.time,
    request_id: requestId ?? null,
    principal: principal ?? null,
    client_id: clientId ?? null,
    agent_id: agentId ?? null,
    door: door ?? null,
    server: server ?? null,
    name: name ?? null,
    action_id: actionId ?? null,
    effect: effect ?? null,
    mode: mode ?? null,
    decision: decision ?? null,
    approval_id: approvalId ?? null,
    decided_by: decidedBy ?? null,
    channel: channel ?? null,
    fingerprint: fingerprint ?? null,
    input: input === undefined ? null : canonicalJson(input),
    input_bytes: inputBytes ?? null,
    duration_ms: durationMs ?? null,
    error_name: error?.name ?? null,
    error_message: error?.message ?? null,
    prev_hash: record.prevHash,
    hash: record.hash,
  };
}

/** @throws SyntaxError if somebody has changed the input to what is no JSON. */
export function toRecord(row: RecordRow): SealedRecord {
  const about = {
    requestId: row.request_id,
    principal: row.principal,
    clientId: row.client_id,
    agentId: row.agent_id,
    door: row.door,
    server: row.server,
    name: row.name,
    actionId: row.action_id,
    effect: row.effect,
    mode: row.mode,
    decision: row.decision,
    approvalId: row.approval_id,
    decidedBy: row.decided_by,
    channel: row.channel,
    fingerprint: row.fingerprint,
    inputBytes: row.input_bytes === null ? null : Number(row.input_bytes),
    durationMs: row.duration_ms,
    error: row.error_name === null ? null : { name: row.error_name, message: row.error_message },
  };
  const present = Object.fromEntries(Object.entries(about).filter(([, value]) => value !== null));
  const call = { ...present, ...(row.input !== null && { input: JSON.parse(row.input) }) };
  return {
    ...(call as unknown as CallRecord | TrailRecord),
    kind: row.kind,
    time: row.time,
    chain: row.chain,
    seq: Number(row.seq),
    prevHash: row.prev_hash,
    hash: row.hash,
  } as SealedRecord;
}
