import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { listFindings, readFinding } from './engine/Finding.js';
import { checkInTime, runTarget } from './engine/runTarget.js';
import { targets } from './targets.js';

// The long form is `npm run fuzz`; this one keeps each target in working order, and what was found from coming back.
const SECONDS_PER_TARGET = 3;
const foundFolder = fileURLToPath(new URL('./found/', import.meta.url));
const seed = Math.floor(Math.random() * 2 ** 31);

beforeAll(() => {
  console.info(`Seed of the fuzzer: ${seed}`);
});

describe('random input that is nearly right', () => {
  it.each(targets)('does no harm to $name', { timeout: 180_000 }, async target => {
    const { cases, findings } = await runTarget(target, {
      count: Number.MAX_SAFE_INTEGER,
      maxBatchSize: 100,
      seed,
      endAtMs: performance.now() + SECONDS_PER_TARGET * 1_000,
      onCase: () => {},
      onProgress: () => {},
    });

    expect(findings, `npm run fuzz -- --target ${target.name} --seed ${seed}`).toEqual([]);
    expect(cases).toBeGreaterThan(20);
  });
});

describe('what was found once', () => {
  it.each(listFindings(foundFolder))('is not there any more: %s', { timeout: 120_000 }, async file => {
    const { target: name, given } = readFinding(join(foundFolder, file));
    const target = targets.find(candidate => candidate.name === name);
    const opened = await target?.open();

    try {
      expect(opened, `the target ${name}`).toBeDefined();
      await checkInTime(opened as never, given as never);
      await opened?.settle?.();
    } finally {
      await opened?.close();
    }
  });
});

it('has its targets, with their shares, in docs/fuzzing.md', () => {
  const page = readFileSync(new URL('../../docs/fuzzing.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `(\w+)` \| (\d+) % \|/gm)].map(([, name, share]) => ({
    name,
    share: Number(share),
  }));
  const total = targets.reduce((sum, { weight }) => sum + weight, 0);

  expect(rows).toEqual(targets.map(({ name, weight }) => ({ name, share: Math.round((weight / total) * 100) })));
});
