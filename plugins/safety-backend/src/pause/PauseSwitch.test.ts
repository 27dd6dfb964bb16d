import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeOnPostgres, recordingLogger } from '@callboard/test-utils';
import type { Knex } from 'knex';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { testAction, testCall } from '../testing/actionCall.js';
import { recordingAlerts } from '../testing/recordingAlerts.js';
import { openPostgresReplicas, openSqliteReplicas, type Replicas } from '../testing/replicas.js';
import { PauseFile } from './PauseFile.js';
import { PauseStore } from './PauseStore.js';
import { PauseSwitch } from './PauseSwitch.js';
import { createPauseGate } from './pauseGate.js';

describe('the pause in SQLite', () => pauseSuite(openSqliteReplicas));

await describeOnPostgres('the pause in PostgreSQL', () => pauseSuite(openPostgresReplicas));

function pauseSuite(openReplicas: () => Promise<Replicas>): void {
  let replicas: Replicas;
  let folder: string;
  let now: Date;
  let recorded: ReturnType<typeof recordingAlerts>;

  const clock = () => now;
  const advance = (ms: number) => {
    now = new Date(now.getTime() + ms);
  };
  const create = (options: { file?: string } = {}) =>
    new PauseSwitch({
      ...(options.file && { file: new PauseFile({ path: options.file }) }),
      alerts: recorded.alerts,
      logger: recordingLogger().logger,
      now: clock,
    });
  const open = async (db: Knex, options: { file?: string; startPaused?: boolean } = {}) => {
    const pauses = create(options);
    await pauses.open(new PauseStore({ db }), { startPaused: options.startPaused ?? false });
    return pauses;
  };
  const gateOf = (pauses: PauseSwitch) => createPauseGate({ pauses });
  const check = async (pauses: PauseSwitch, changes: Parameters<typeof testCall>[0] = {}) =>
    gateOf(pauses).check(testCall(changes));
  const ada = { scope: 'writes', reason: 'runaway agent', by: 'user:default/ada' } as const;

  beforeEach(async () => {
    now = new Date('2027-01-01T12:00:00.000Z');
    recorded = recordingAlerts();
    replicas = await openReplicas();
    folder = await mkdtemp(join(tmpdir(), 'callboard-pause-'));
  });

  afterEach(async () => {
    await replicas.drop();
    await rm(folder, { recursive: true, force: true });
  });

  test('what is not paused runs', async () => {
    const pauses = await open(replicas.one);

    await expect(check(pauses)).resolves.toBeUndefined();
    expect(await gateOf(pauses).explain?.(testCall())).toMatchObject({ verdict: 'passes' });
  });

  test.each(['create', 'update', 'replace', 'delete', 'execute'] as const)(
    'paused writes refuse %s, and say why, since when, by whom, and how it ends',
    async effect => {
      const pauses = await open(replicas.one);
      await pauses.pause(ada);

      await expect(check(pauses, { effect })).rejects.toMatchObject({
        name: 'ServiceUnavailableError',
        message:
          'Action "todo:create-item" did not run: all writes are paused since 2027-01-01T12:00:00.000Z by user:default/ada, until an operator resumes (POST /api/safety/v1/resume); the reason: runaway agent',
      });
      expect(await gateOf(pauses).explain?.(testCall({ effect }))).toMatchObject({
        verdict: 'refuses',
        because: expect.stringContaining('runaway agent'),
      });
    },
  );

  test('paused writes let reads run, a pause of everything does not', async () => {
    const pauses = await open(replicas.one);

    await pauses.pause(ada);
    await expect(check(pauses, { effect: 'read' })).resolves.toBeUndefined();
    await pauses.pause({ ...ada, scope: 'everything' });

    await expect(check(pauses, { effect: 'read' })).rejects.toThrow('everything is paused');
  });

  test('a pause of writes does not narrow one of everything', async () => {
    const pauses = await open(replicas.one);
    await pauses.pause({ ...ada, scope: 'everything' });

    const pause = await pauses.pause({ ...ada, reason: 'another' });

    expect(pause).toMatchObject({ scope: 'everything', reason: 'another' });
    await expect(check(pauses, { effect: 'read' })).rejects.toThrow('another');
  });

  test('operators can do what they need while everything is paused', async () => {
    const pauses = await open(replicas.one);
    await pauses.pause({ ...ada, scope: 'everything' });
    const call = (id: string, capability?: string) =>
      check(pauses, { effect: 'execute', action: testAction({ id, ...(capability && { capability }) }) });

    await Promise.all([
      call('safety:resume', 'safety:pause'),
      call('approvals:approve', 'approvals:decide'),
      call('approvals:get-pending-approvals', 'approvals:read'),
      call('audit:get-audit-events', 'audit:read'),
      call('safety:get-safety-status'),
    ]);
    await expect(call('safety:accept-definitions', 'safety:definitions')).rejects.toThrow('everything is paused');
    await expect(call('todo:wipe', 'approvals:decide')).rejects.toThrow('everything is paused');
    await expect(call('approvals:wipe', 'safety:pause')).rejects.toThrow('everything is paused');
  });

  test('resuming lets calls run again', async () => {
    const pauses = await open(replicas.one);
    await pauses.pause(ada);

    const left = await pauses.resume({ by: 'user:default/bob', reason: 'agent is off' });

    expect(left).toEqual([]);
    await expect(check(pauses)).resolves.toBeUndefined();
    expect(recorded.raised).toEqual([
      {
        event: 'paused',
        message: 'user:default/ada paused all writes: runaway agent',
        details: { source: 'database', scope: 'writes', reason: 'runaway agent', by: 'user:default/ada' },
      },
      {
        event: 'resumed',
        message: 'user:default/bob resumed what was paused (writes): agent is off',
        details: { source: 'database', scope: 'writes', by: 'user:default/bob', reason: 'agent is off' },
      },
    ]);
  });

  test('resuming what is not paused alerts nobody', async () => {
    const pauses = await open(replicas.one);

    expect(await pauses.resume({ by: 'user:default/bob' })).toEqual([]);

    expect(recorded.raised).toEqual([]);
  });

  test('a pause outlives the process', async () => {
    await (await open(replicas.one)).pause(ada);

    const restarted = await open(replicas.one);

    await expect(check(restarted)).rejects.toThrow('runaway agent');
  });

  test('pausing and resuming reach the other replica within a second', async () => {
    const one = await open(replicas.one);
    const two = await open(replicas.two);
    await check(two);

    await one.pause(ada);
    advance(1_000);
    await expect(check(two)).rejects.toThrow('runaway agent');
    await one.resume({ by: 'user:default/ada' });
    advance(1_000);

    await expect(check(two)).resolves.toBeUndefined();
  });

  test('any number of calls within a second ask the database once', async () => {
    const pauses = await open(replicas.one);
    const queries: string[] = [];
    replicas.one.on('query', ({ sql }) => queries.push(sql));

    await Promise.all(Array.from({ length: 100 }, () => check(pauses)));
    advance(1_000);
    await Promise.all(Array.from({ length: 100 }, () => check(pauses)));
    await check(pauses);

    expect(queries).toHaveLength(1);
  });

  test('before the database is open, writes are refused and reads run', async () => {
    const pauses = create();

    await expect(check(pauses)).rejects.toThrow('the database does not say whether it is paused');
    await expect(check(pauses, { effect: 'read' })).resolves.toBeUndefined();
    await expect(pauses.pause(ada)).rejects.toMatchObject({ name: 'ServiceUnavailableError' });
  });

  test('a database that is away for seconds refuses writes, and no details leak', async () => {
    const pauses = await open(replicas.one);
    await replicas.disconnect();

    advance(5_000);
    await expect(check(pauses)).resolves.toBeUndefined();
    advance(1_000);

    await expect(check(pauses)).rejects.toThrow(
      'all writes are paused, because the database does not say whether it is paused; try again later',
    );
    await expect(check(pauses, { effect: 'read' })).resolves.toBeUndefined();
    await expect(pauses.resume({ by: 'user:default/ada' })).rejects.toThrow('the database does not answer');
  });

  test('a pause of everything stays one when the database goes away', async () => {
    const pauses = await open(replicas.one);
    await pauses.pause({ ...ada, scope: 'everything' });
    await replicas.disconnect();

    advance(60_000);

    await expect(check(pauses, { effect: 'read' })).rejects.toThrow('everything is paused');
  });

  test('a clock that is set back makes nobody trust an old answer', async () => {
    const one = await open(replicas.one);
    const two = await open(replicas.two);
    await one.pause(ada);

    advance(-3_600_000);

    await expect(check(two)).rejects.toThrow('runaway agent');
  });

  test('the server starts paused if it is configured to, and says so', async () => {
    const pauses = await open(replicas.one, { startPaused: true });

    await expect(check(pauses)).rejects.toThrow('by safety.pause.startPaused');
    await pauses.resume({ by: 'user:default/ada' });

    await expect(check(pauses)).resolves.toBeUndefined();
  });

  test('starting paused does not change a pause that there is', async () => {
    await (await open(replicas.one)).pause({ ...ada, scope: 'everything' });

    const restarted = await open(replicas.one, { startPaused: true });

    expect(await restarted.list()).toMatchObject([{ scope: 'everything', reason: 'runaway agent' }]);
  });

  test('a file pauses for as long as it exists, whatever is resumed', async () => {
    const file = join(folder, 'PAUSE');
    const pauses = await open(replicas.one, { file });
    await check(pauses);

    await writeFile(file, 'EVERYTHING\nA disk is full\n');
    advance(1_000);
    await expect(check(pauses, { effect: 'read' })).rejects.toThrow(
      /everything is paused since .* by the file of safety\.pause\.file, until an operator removes that file; the reason: A disk is full/,
    );
    expect(await gateOf(pauses).explain?.(testCall())).toMatchObject({
      verdict: 'refuses',
      config: 'safety.pause.file',
    });
    expect(await pauses.resume({ by: 'user:default/ada' })).toMatchObject([{ source: 'file' }]);
    await rm(file);
    advance(1_000);

    await expect(check(pauses)).resolves.toBeUndefined();
    expect(recorded.raised.map(({ event, details }) => [event, details.source])).toEqual([
      ['paused', 'file'],
      ['resumed', 'file'],
    ]);
  });

  test('a file that cannot be read pauses writes, without its path in the answer', async () => {
    // A folder is there and has no text; a path through a file cannot even be looked at.
    const pauses = await open(replicas.one, { file: folder });
    await writeFile(join(folder, 'file'), '');
    const behindFile = await open(replicas.one, { file: join(folder, 'file', 'PAUSE') });

    const refusals = [await check(pauses).catch(String), await check(behindFile).catch(String)];

    expect(refusals[0]).toContain('safety.pause.file cannot be read (no regular file)');
    expect(refusals[1]).toContain('safety.pause.file cannot be read (ENOTDIR)');
    expect(refusals.join()).not.toContain(folder);
  });

  test('a pipe and a link to nothing pause, and keep nobody waiting', async () => {
    const [pipe, link] = [join(folder, 'pipe'), join(folder, 'link')];
    execFileSync('mkfifo', [pipe]);
    await symlink(join(folder, 'nowhere'), link);

    const refusals = [pipe, link].map(async file => check(await open(replicas.one, { file })).catch(String));

    expect((await Promise.all(refusals)).map(text => /cannot be read \([^)]+\)/.exec(String(text))?.[0])).toEqual([
      'cannot be read (no regular file)',
      'cannot be read (ENOENT)',
    ]);
  });

  test.each(['everything', 'EVERYTHING', 'scope: everything', 'scope=everything'])(
    'a file that begins with %j pauses everything',
    async line => {
      const file = join(folder, 'PAUSE');
      await writeFile(file, `${line}\nbecause`);

      expect(await (await open(replicas.one, { file })).list()).toMatchObject([
        { source: 'file', scope: 'everything', reason: 'because' },
      ]);
    },
  );

  test('what a file says is one visible line', async () => {
    const file = join(folder, 'PAUSE');
    const pauses = await open(replicas.one, { file });
    await writeFile(file, `a\nb\u001b[2J\u202e${'x'.repeat(10_000)}`);

    advance(1_000);
    const [pause] = await pauses.list();

    expect(pause?.scope).toBe('writes');
    expect(pause?.reason).toMatch(/^a\\u\{a\}b\\u\{1b\}\[2J\\u\{202e\}x+…\[cut \d+ characters\]$/);
  });
}
