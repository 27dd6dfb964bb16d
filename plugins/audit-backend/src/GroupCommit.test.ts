import { expect, test } from 'vitest';
import { GroupCommit } from './GroupCommit.js';

function heldWrites() {
  const groups: number[][] = [];
  const ends: { resolve(): void; reject(error: Error): void }[] = [];
  const started: (() => void)[] = [];
  return {
    groups,
    ends,
    nextStart: () => new Promise<void>(resolve => started.push(resolve)),
    write: (items: readonly number[]) =>
      new Promise<void>((resolve, reject) => {
        groups.push([...items]);
        ends.push({ resolve, reject });
        started.shift()?.();
      }),
  };
}

test('what arrives during a write goes together with the next one, in order', async () => {
  const writes = heldWrites();
  const commit = new GroupCommit({ write: writes.write, maxItems: 3, timeoutMs: 10_000 });

  const first = writes.nextStart();
  const added = [1, 2].map(item => commit.add(item));
  await first;
  added.push(...[3, 4, 5, 6].map(item => commit.add(item)));
  for (let group = 0; group < 3; group += 1) {
    const next = writes.nextStart();
    writes.ends[group]?.resolve();
    if (group < 2) {
      await next;
    }
  }
  await Promise.all(added);

  expect(writes.groups).toEqual([[1, 2], [3, 4, 5], [6]]);
});

test('a write that fails fails for its own callers only', async () => {
  const writes = heldWrites();
  const commit = new GroupCommit({ write: writes.write, maxItems: 10, timeoutMs: 10_000 });

  const first = writes.nextStart();
  const lost = expect(commit.add(1)).rejects.toThrow('disk full');
  await first;
  const second = writes.nextStart();
  const kept = commit.add(2);
  writes.ends[0]?.reject(new Error('disk full'));
  await second;
  writes.ends[1]?.resolve();

  await lost;
  await expect(kept).resolves.toBeUndefined();
  await commit.idle();
});

test('nobody waits for a write that does not end, and what was not begun is not written later', async () => {
  const writes = heldWrites();
  const commit = new GroupCommit({ write: writes.write, maxItems: 1, timeoutMs: 30 });

  const results = await Promise.allSettled([commit.add(1), commit.add(2)]);
  writes.ends[0]?.resolve();
  await commit.idle();

  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(writes.groups).toEqual([[1]]);
});
