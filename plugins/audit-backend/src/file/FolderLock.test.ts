import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeFolder } from '../testing/trailFolder.js';
import { FolderLock } from './FolderLock.js';
import { findStanding, ownIdentity, type ProcessIdentity } from './processIdentity.js';

const times = { beatMs: 50, patienceMs: 300 };

let folder: ReturnType<typeof makeFolder>;
let locks: FolderLock[];

beforeEach(() => {
  folder = makeFolder();
  locks = [];
});

afterEach(async () => {
  for (const lock of locks) {
    await lock.release();
  }
  folder.remove();
});

async function take(patienceMs = times.patienceMs): Promise<FolderLock | undefined> {
  const lock = await FolderLock.take(folder.path, { ...times, patienceMs });
  if (lock) {
    locks.push(lock);
  }
  return lock;
}

const pathOf = (number: number) => join(folder.path, `lock-${number}.json`);

function leaveLock(holder: object): void {
  writeFileSync(pathOf(1), JSON.stringify({ state: 'held', ...holder }));
}

/** Processes that this one cannot look for: the ids of another container mean others. */
const elsewhere = async (): Promise<ProcessIdentity> => ({ ...(await ownIdentity()), scope: 'another container' });

test('of any number that take a free folder at once, one gets it', async () => {
  const taken = await Promise.all(Array.from({ length: 20 }, () => take()));

  expect(taken.filter(Boolean)).toHaveLength(1);
});

test('of any number that take over from a process that is gone, one gets it, again and again', async () => {
  leaveLock({ ...(await ownIdentity()), startedAt: '1' });

  for (let round = 0; round < 10; round += 1) {
    const taken = (await Promise.all(Array.from({ length: 10 }, () => take()))).filter(lock => lock !== undefined);
    expect(taken).toHaveLength(1);
    expect(await taken[0]?.isHeld()).toBe(true);
    // As after kill -9: it says nothing more.
    const [last = 0] = readdirSync(folder.path)
      .map(name => Number(name.match(/\d+/)))
      .sort((a, b) => b - a);
    const text = readFileSync(pathOf(last), 'utf8').replace(/"startedAt":"\d+"/, '"startedAt":"1"');
    await locks.pop()?.release();
    writeFileSync(pathOf(last), text);
  }

  expect(readdirSync(folder.path).length).toBeLessThanOrEqual(2);
});

test('a folder that was released can be taken at once', async () => {
  const first = await take();
  const meanwhile = await take();
  await first?.release();
  locks = [];

  expect(meanwhile).toBeUndefined();
  expect(await take(60_000)).toBeDefined();
});

test.runIf(process.platform === 'linux')(
  'a process id that is used again does not pass for its former owner',
  async () => {
    const own = await ownIdentity();
    leaveLock({ ...own, startedAt: `${Number(own.startedAt) - 1}` });

    expect(await findStanding({ ...own, startedAt: '1' })).toBe('gone');
    expect(await take(60_000)).toBeDefined();
  },
);

test.runIf(process.platform === 'linux')('another process that lives is seen to live', async () => {
  const stat = readFileSync('/proc/1/stat', 'utf8');
  const startedAt = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] as string;

  expect(await findStanding({ ...(await ownIdentity()), pid: 1, startedAt })).toBe('lives');
});

test('a process of another container with the same id is believed to live as long as it shows it', async () => {
  leaveLock(await elsewhere());
  let at = Date.now();
  const beat = setInterval(() => utimesSync(pathOf(1), ++at / 1000, at / 1000), 20);

  try {
    expect(await take(60_000)).toBeUndefined();
  } finally {
    clearInterval(beat);
  }
});

test('the holder of a folder shows that it lives', async () => {
  await take();
  const text = readFileSync(pathOf(1), 'utf8');
  const { scope, ...content } = JSON.parse(text);
  writeFileSync(pathOf(1), JSON.stringify(content));

  expect(await take(60_000)).toBeUndefined();
});

test.each([
  ['shows nothing', async () => leaveLock(await elsewhere())],
  ['was cut off while it wrote its lock', async () => writeFileSync(pathOf(1), '{"state":"held","pi')],
  ['left an empty lock', async () => writeFileSync(pathOf(1), '')],
])('a folder of somebody who %s is taken in the end', async (_what, leave) => {
  await leave();

  expect(await take()).toBeDefined();
});

test('a process that stood still learns that it does not have the folder any more', async () => {
  const paused = await take();
  const before = await paused?.isHeld();
  writeFileSync(pathOf(2), JSON.stringify({ state: 'held', ...(await elsewhere()) }));

  expect([before, await paused?.isHeld()]).toEqual([true, false]);
});

test('of the locks of former holders one is kept', async () => {
  for (let run = 0; run < 5; run += 1) {
    await (await take())?.release();
    locks = [];
  }

  expect(readdirSync(folder.path).sort()).toEqual(['lock-4.json', 'lock-5.json']);
});
