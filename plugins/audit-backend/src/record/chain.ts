import { hash as hashOnce } from 'node:crypto';
import { canonicalJson } from '@callboard/actions-api';
import type { RecordContent, Seal, SealedRecord } from './records.js';

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
    const unsealed = { ...content, chain: head.chain, seq, prevHash };
    const text = canonicalJson(unsealed);
    const hash = hashText(text);
    prevHash = hash;
    return { record: { ...unsealed, hash }, line: `${text.slice(0, -1)},"hash":"${hash}"}` };
  });
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
