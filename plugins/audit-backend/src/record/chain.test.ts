import { createHash } from 'node:crypto';
import { canonicalJson } from '@callboard/actions-api';
import { expect, test } from 'vitest';
import { auditedCall } from '../testing/auditedCall.js';
import { CallRecords } from './callRecords.js';
import { genesisHash, isIntact, readLine, sealAll } from './chain.js';

const head = { chain: 'c', seq: 0, hash: genesisHash };

function lineFor(changes: Parameters<typeof auditedCall>[0]): string {
  const record = new CallRecords({ call: auditedCall(changes), maxInputBytes: 16_384 }).intent(new Date(0));
  return sealAll([record], head)[0]?.line ?? '';
}

test('records are linked by the hash of all that stands before it in the line', () => {
  const [first, second] = sealAll(
    [1, 2].map(() => ({ kind: 'start' as const, time: 't' })),
    head,
  );

  const hashed = first?.line.replace(/,"hash":"[^"]*"\}$/, '}') ?? '';
  expect(first?.record).toMatchObject({ seq: 1, prevHash: genesisHash });
  expect(first?.record.hash).toBe(createHash('sha256').update(hashed).digest('hex'));
  expect(second?.record).toMatchObject({ seq: 2, prevHash: first?.record.hash });
});

test('a line is read only if it is to the letter what was written', () => {
  const line = lineFor({});

  expect(readLine(line)).toMatchObject({ seq: 1, name: 'todo.purge-done' });
  expect(readLine(line.replace('ada', 'bob'))).toBeUndefined();
  expect(readLine(` ${line}`)).toBeUndefined();
  expect(readLine('')).toBeUndefined();
  expect(readLine('{}')).toBeUndefined();
});

test.each([
  ['line feeds', 'a\r\n{"kind":"intent","principal":"user:default/eve"}'],
  ['escape sequences of terminals', 'a\u001b[2J\u001b]0;x\u0007\u009b31m'],
  ['separators of lines and paragraphs', 'a\u2028b\u2029c\u0085d\u000be'],
  ['text that runs backwards', 'a\u202egnp.exe\u2066x'],
  ['what is not seen', 'a\u200bb\ufeffc\u{e0041}d\u0000e'],
  ['half characters', 'a\ud83db'],
])('%s in every field stay within one visible line', (_name, text) => {
  const line = lineFor({
    name: text,
    clientId: text,
    server: text,
    principal: text,
    decision: text,
    input: { [text]: [text] },
  });

  expect(line).toMatch(/^[\x20-\x7e\ufffd]*$/);
  expect(readLine(line)).toMatchObject({ input: { [text]: [text] } });
  expect(isIntact(JSON.parse(line))).toBe(true);
});

test('very long names are cut, with a note', () => {
  const record = JSON.parse(lineFor({ name: 'n'.repeat(1_000_000) }));

  expect(record.name).toBe(`${'n'.repeat(256)}…[cut 999744 characters]`);
});

test('the order of fields does not matter', () => {
  expect(canonicalJson({ b: 1, a: { d: undefined, c: [undefined] } })).toBe('{"a":{"c":[null]},"b":1}');
});
