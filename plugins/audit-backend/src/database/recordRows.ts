import { canonicalJson } from '../record/canonicalJson.js';
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
  door: string | null;
  server: string | null;
  name: string | null;
  action_id: string | null;
  effect: CallRecord['effect'] | null;
  decision: string | null;
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
  const { requestId, principal, clientId, door, server, name, actionId, effect, decision, fingerprint } =
    record as Partial<CallRecord>;
  const { input, inputBytes, durationMs, error } = record as Partial<CallRecord>;
  return {
    chain: record.chain,
    seq: record.seq,
    kind: record.kind,
    time: record.time,
    request_id: requestId ?? null,
    principal: principal ?? null,
    client_id: clientId ?? null,
    door: door ?? null,
    server: server ?? null,
    name: name ?? null,
    action_id: actionId ?? null,
    effect: effect ?? null,
    decision: decision ?? null,
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
    door: row.door,
    server: row.server,
    name: row.name,
    actionId: row.action_id,
    effect: row.effect,
    decision: row.decision,
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
