import { hash as hashOnce } from 'node:crypto';
import { canonicalJson } from '@callboard/actions-api';
import type { CallRecord, RecordContent, Seal, SealedRecord, TrailRecord } from './records.js';

/** The last record of a chain: what the next one is linked to. */
export interface ChainHead {
  readonly chain: string;
  readonly seq: number;
  readonly hash: string;
}

/** `prevHash` of the first record. */
export const genesisHash = '0'.repeat(64);

const HASH_AT_END = /^(.*),"hash":"([0-9a-f]{64})"\}$/;

/** Links contents to a chain, in their order. */
export function sealAll(contents: readonly RecordContent[], head: ChainHead): { record: SealedRecord; line: string }[] {
  let { seq, hash: prevHash } = head;
  return contents.map(content => {
    seq += 1;
    const record = inOrder(content, { chain: head.chain, seq, prevHash });
    const text = canonicalJson(record);
    const hash = hashText(text);
    prevHash = hash;
    record.hash = hash;
    return { record: record as object as SealedRecord, line: `${text.slice(0, -1)},"hash":"${hash}"}` };
  });
}

type Fields = { [field in keyof CallRecord | keyof TrailRecord | keyof Seal]: unknown };

/** Every field that a record may have, as canonical JSON has them: nothing is left to sort then. */
function inOrder(content: RecordContent, { chain, seq, prevHash }: Omit<Seal, 'hash'>): Fields {
  const given: Partial<Fields> = content;
  return {
    actionId: given.actionId,
    agentId: given.agentId,
    approvalId: given.approvalId,
    chain,
    channel: given.channel,
    clientId: given.clientId,
    decidedBy: given.decidedBy,
    decision: given.decision,
    door: given.door,
    durationMs: given.durationMs,
    effect: given.effect,
    error: given.error,
    fingerprint: given.fingerprint,
    hash: undefined,
    input: given.input,
    inputBytes: given.inputBytes,
    keptFrom: given.keptFrom,
    kind: given.kind,
    mode: given.mode,
    name: given.name,
    prevHash,
    principal: given.principal,
    requestId: given.requestId,
    seq,
    server: given.server,
    time: given.time,
  };
}

/** @returns the record of a line; `undefined` if it is not as it was written. */
export function readLine(line: string): SealedRecord | undefined {
  const [, text, hash] = line.match(HASH_AT_END) ?? [];
  if (text === undefined || hash !== hashText(`${text}}`)) {
    return undefined;
  }
  const record = parse(line);
  return isSealed(record) ? record : undefined;
}

/** Whether a record still has the content that its hash was made of. */
export function isIntact({ hash, ...unsealed }: SealedRecord): boolean {
  return hash === hashText(canonicalJson(unsealed));
}

export const headOf = ({ chain, seq, hash }: Seal): ChainHead => ({ chain, seq, hash });

function hashText(text: string): string {
  return hashOnce('sha256', text, 'hex');
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // Not a record; the caller says so.
    return undefined;
  }
}

function isSealed(value: unknown): value is SealedRecord {
  const { chain, seq, prevHash } = (value ?? {}) as Partial<Seal>;
  return typeof chain === 'string' && Number.isSafeInteger(seq) && typeof prevHash === 'string';
}
