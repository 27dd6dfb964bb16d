import { randomUUID } from 'node:crypto';
import type { BackstageCredentials } from '@backstage/backend-plugin-api';
import { InputError, NotAllowedError } from '@backstage/errors';
import { type AuditedCall, TooManyRequestsError } from '@callboard/actions-api';
import { ApprovalDesk, type LogEntry, recordingLogger } from '@callboard/test-utils';
import { afterEach, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { Approvals } from '../approval/Approvals.js';
import type { VisibleAction } from '../catalogue/VisibleAction.js';
import { AuditTrails } from '../invocation/AuditTrails.js';
import { ActionGateChecks } from '../invocation/actionGates.js';
import { Invocation } from '../invocation/Invocation.js';
import { invokeAction } from '../invocation/invokeAction.js';
import { CallPolicy } from '../policy/CallPolicy.js';
import { compileSchema } from '../registry/compileSchema.js';
import { openPolicy } from '../testing/openPolicy.js';
import { listedAction } from '../testing/sourceServer.js';
import { SecretsDesk } from './SecretsDesk.js';
import type { SecretsQuestion, SecretsRequiredError } from './secretsErrors.js';

const ada = { principal: { type: 'user', userEntityRef: 'user:default/Ada' } } as unknown as BackstageCredentials;
const ci = { principal: { type: 'service', subject: 'ci' } } as unknown as BackstageCredentials;
const secret = 'k-0123456789';

type CallOptions = Partial<ConstructorParameters<typeof Invocation>[0]> & { action?: object };

let desk: SecretsDesk;
let nowMs = Date.parse('2027-01-01T00:00:00.000Z');
/** What reached the handler. */
const ran: unknown[] = [];
/** Every attempt, run or refused. */
const recorded: AuditedCall[] = [];
const audited: unknown[] = [];
let logged: LogEntry[] = [];

const input = compileSchema(z.object({ name: z.string(), note: z.string().default('none') }), 'input');
const secrets = compileSchema(z.object({ key: z.string().min(4).describe('Of the store') }), 'input');
const approvals = new ApprovalDesk();

function start(
  options: { users?: string[]; isClosed?: boolean; mode?: 'safe' | 'full_access'; gates?: ActionGateChecks } = {},
) {
  const { users = [], isClosed = false, mode = 'full_access', gates = new ActionGateChecks() } = options;
  ran.length = 0;
  recorded.length = 0;
  audited.length = 0;
  approvals.all.length = 0;
  approvals.expiresAt = new Date(nowMs + 600_000).toISOString();
  desk = new SecretsDesk({ environment: 'production', nowMs: () => nowMs });
  if (!isClosed) {
    desk.open({ urlOf: id => `https://board.example/secrets/${id}`, lifetimeMs: 60_000, users });
  }
  const { logger, logs } = recordingLogger();
  logged = logs;
  const keeper = new Approvals({ environment: 'production', asksClients: true, lifetimeMs: 600_000, logger });
  keeper.provide(approvals);
  const trails = new AuditTrails();
  trails.add({
    id: 'test',
    async begin(call) {
      recorded.push(call);
      return { finish: async outcome => void audited.push(outcome) };
    },
    async refuse(call, outcome) {
      recorded.push(call);
      audited.push(outcome);
    },
  });
  const policy = openPolicy({
    logger,
    secrets: desk,
    approvals: keeper,
    trails,
    gates,
    rules: new CallPolicy({ mode: { value: mode, config: 'backend.actions.mode' }, profiles: {}, callers: [] }),
  });

  return async ({ action, ...parts }: CallOptions = {}) => {
    const visible: VisibleAction = {
      descriptor: listedAction('vault:store', {
        title: 'Store',
        attributes: { readOnly: false, destructive: false, idempotent: false },
        schema: { input: input.jsonSchema, output: {}, secrets: secrets.jsonSchema },
        ...action,
      }),
      checks: { input: input.parse, output: value => ({ ok: true, value }), secrets: secrets.parse },
      run: async call => {
        ran.push({ input: call.input, secrets: call.secrets });
        return { output: 'done' };
      },
    };
    const call = new Invocation({
      name: 'vault.store',
      find: async () => visible,
      input: { name: 'one' },
      credentials: ada,
      door: 'mcp',
      takesSecrets: true,
      ...parts,
    });
    const auditor = { createEvent: async () => ({ success: async () => {}, fail: async () => {} }) };
    return invokeAction(call, { policy, auditor, audit: { eventId: 'test' } }).then(
      output => ({ output, error: undefined }),
      (error: Error) => ({ output: undefined, error }),
    );
  };
}

type Call = ReturnType<typeof start>;
const idIn = (error: Error | undefined) => (error as SecretsRequiredError).secrets.url.split('/').at(-1) as string;
/** Has a call refused for want of secrets, and these entered. */
async function enterFor(call: Call, options: CallOptions = {}, given = { key: secret }): Promise<string> {
  const { error } = await call(options);
  expect(error?.name).toBe('SecretsRequiredError');
  expect(await desk.enter(idIn(error), given)).toEqual([]);
  return idIn(error);
}
const decisions = () => recorded.map(({ decision }) => decision);

afterEach(() => desk.stop());

describe('a call that lacks its secrets', () => {
  test('is refused with where to enter them, and runs once when they are entered', async () => {
    const call = start();

    const refused = await call();
    await desk.enter(idIn(refused.error), { key: secret });
    const [done, again] = [await call(), await call()];

    expect(refused.error?.message).toBe(
      `Action "vault:store" needs secrets, which must not be part of a call. Ask user:default/ada to enter them at ${(refused.error as SecretsRequiredError).secrets.url} and make the same call again with the same arguments after that, before 2027-01-01T00:01:00.000Z.`,
    );
    expect(done).toEqual({ output: 'done', error: undefined });
    expect(ran).toEqual([{ input: { name: 'one', note: 'none' }, secrets: { key: secret } }]);
    expect(again.error?.name).toBe('SecretsRequiredError');
    expect(idIn(again.error)).not.toBe(idIn(refused.error));
    expect(decisions()).toEqual(['needs_secrets_pending', 'needs_secrets_supplied', 'needs_secrets_pending']);
    expect(JSON.stringify([recorded, audited])).not.toContain(secret);
  });

  test('asks where the door can show a page, and says what for', async () => {
    const call = start();

    const { error } = await call({ canOpenUrl: true });

    expect(error?.name).toBe('SecretsQuestion');
    expect((error as SecretsQuestion).question).toBe(
      'Store (vault:store, in production) needs secrets: key. Enter them on the page of the server. Neither this client nor its model sees them.',
    );
    expect((error as SecretsQuestion).secrets.url).toBe(
      `https://board.example/secrets/${(error as SecretsQuestion).id}`,
    );
    expect(decisions()).toEqual(['needs_secrets_asked']);
  });

  test('asks once, however often it is made', async () => {
    const call = start();

    const answers = await Promise.all([call(), call(), call({ canOpenUrl: true })]);

    expect(new Set(answers.map(({ error }) => idIn(error))).size).toBe(1);
  });

  test.each([
    ['decline', 'needs_secrets_declined', 'declined'],
    ['cancel', 'needs_secrets_cancelled', 'did not decide'],
  ] as const)(
    'is refused if the person answers %s, and what was entered is forgotten',
    async (answer, decision, what) => {
      const call = start();
      const id = await enterFor(call);

      const { error } = await call({ answeredSecrets: { id, answer } });

      expect(error?.message).toBe(`Action "vault:store" did not run: the person who was asked for its secrets ${what}`);
      expect(await desk.find(id)).toBeUndefined();
      expect(decisions().at(-1)).toBe(decision);
      expect(ran).toEqual([]);
    },
  );

  test('cannot close the request of another call', async () => {
    const call = start();
    const id = await enterFor(call);

    await call({ answeredSecrets: { id, answer: 'decline' }, input: { name: 'two' } });

    expect((await desk.find(id))?.isEntered).toBe(true);
  });

  test('is refused if the time is over when the client has shown the page', async () => {
    const call = start();
    const { error: question } = await call({ canOpenUrl: true });
    nowMs += 60_000;

    const { error } = await call({ canOpenUrl: true, answeredSecrets: { id: idIn(question), answer: 'accept' } });

    expect(error).toBeInstanceOf(NotAllowedError);
    expect(error?.message).toContain('were not entered in time');
    expect(decisions()).toEqual(['needs_secrets_asked', 'needs_secrets_expired']);
  });

  test.each(['accept', 'unavailable'] as const)('is told the page if nobody has used it so far (%s)', async answer => {
    const call = start();
    const { error: question } = await call({ canOpenUrl: true });

    const { error } = await call({ canOpenUrl: true, answeredSecrets: { id: idIn(question), answer } });

    expect(error?.name).toBe('SecretsRequiredError');
    expect(idIn(error)).toBe(idIn(question));
    expect(decisions().at(-1)).toBe('needs_secrets_pending');
  });

  test('asks nobody if its arguments become others each time', async () => {
    const call = start();
    const random = compileSchema(z.object({ name: z.string().default(() => randomUUID()) }), 'input');
    const visible = (checks: VisibleAction['checks']): VisibleAction => ({
      descriptor: listedAction('vault:store', { schema: { input: {}, output: {}, secrets: secrets.jsonSchema } }),
      checks,
      run: async () => ({ output: 'done' }),
    });
    const checks = { input: random.parse, output: input.parse, secrets: secrets.parse };

    const { error } = await call({ find: async () => visible(checks), input: {} });

    expect(error?.message).toContain('give all its arguments');
    expect(decisions()).toEqual(['needs_secrets_unavailable']);
  });

  test('comes from too many calls at a time', async () => {
    const call = start();
    for (let n = 0; n < 50; n += 1) {
      await call({ input: { name: `n-${n}` } });
    }

    const { error } = await call();

    expect(error).toBeInstanceOf(TooManyRequestsError);
    expect(decisions().at(-1)).toBe('refuse_secrets');
  });
});

describe('secrets are good for the call that they were entered for, and for no other', () => {
  test.each<[string, CallOptions]>([
    ['other arguments', { input: { name: 'two' } }],
    ['an argument more', { input: { name: 'one', note: 'more' } }],
    ['another caller', { credentials: ci }],
    ['another client of the same person', { clientId: 'other' }],
    ['another server', { server: 'ops' }],
    ['an action that was changed', { action: { description: 'Now does something else' } }],
  ])('%s', async (_, other) => {
    const call = start({ users: ['user:*'] });
    await enterFor(call);

    const { error } = await call(other);

    expect(error?.name).toBe('SecretsRequiredError');
    expect(ran).toEqual([]);
    expect((await call()).output).toBe('done');
  });

  test('the order of arguments does not matter', async () => {
    const call = start();
    await enterFor(call, { input: { name: 'one', note: 'two' } });

    expect((await call({ input: { note: 'two', name: 'one' } })).output).toBe('done');
  });

  test('of many calls at once, one runs', async () => {
    const call = start();
    await enterFor(call);

    const results = await Promise.all(Array.from({ length: 10 }, () => call()));

    expect(results.filter(({ output }) => output === 'done')).toHaveLength(1);
    expect(ran).toHaveLength(1);
  });
});

describe('with an approval', () => {
  test('what was entered once waits for it, is bound by it, and is used up with it', async () => {
    const call = start({ mode: 'safe' });
    const id = await enterFor(call);

    const pending = await call();
    nowMs += 300_000;
    approvals.decide('approved');
    nowMs += 300_000;
    const done = await call();
    const again = await call();

    expect(pending.error?.name).toBe('ApprovalRequiredError');
    expect(done.output).toBe('done');
    expect(ran).toHaveLength(1);
    expect(again.error?.name).toBe('SecretsRequiredError');
    expect(await desk.find(id)).toBeUndefined();
    expect(decisions()).toEqual([
      'needs_secrets_pending',
      'needs_approval_pending',
      'needs_approval_accepted',
      'needs_secrets_pending',
    ]);
    expect(JSON.stringify([approvals.all, recorded])).not.toContain(secret);
  });

  test('other secrets are another call, which has to be approved anew', async () => {
    const call = start({ mode: 'safe' });
    const id = await enterFor(call);
    await call();
    approvals.decide('approved');
    await call({ answeredSecrets: { id, answer: 'decline' } });
    await enterFor(call, {}, { key: 'another-key' });

    expect((await call()).error?.name).toBe('ApprovalRequiredError');
    expect(approvals.all).toHaveLength(2);
    expect(ran).toEqual([]);
  });

  test('a forged answer asks nobody for secrets', async () => {
    const call = start({ mode: 'safe' });

    const { error } = await call({ canOpenUrl: true, answered: { approvalId: '', answer: 'forged' } });

    expect(error).toBeInstanceOf(NotAllowedError);
    expect(decisions()).toEqual(['needs_approval_invalid']);
  });
});

test('whatever refuses a call does so before anybody is asked for secrets', async () => {
  const gates = new ActionGateChecks();
  gates.add({
    id: 'limit',
    stage: 'limits',
    check: () => {
      throw new TooManyRequestsError('Enough');
    },
  });
  const call = start({ gates });

  const { error } = await call({ canOpenUrl: true });

  expect(error?.message).toBe('Enough');
  expect(decisions()).toEqual(['refuse_limit']);
});

describe('who may enter', () => {
  test('of a person’s own call that person, whatever the configuration says', async () => {
    const call = start({ users: ['user:*'] });
    const { error } = await call();
    const { request } = (await desk.find(idIn(error))) ?? {};

    expect(request && desk.mayEnter(request, 'user:default/ada')).toBe(true);
    expect(request && desk.mayEnter(request, 'user:default/eve')).toBe(false);
  });

  test('of a service’s call those whom the configuration names', async () => {
    const call = start({ users: ['user:ops/*'] });
    const { error } = await call({ credentials: ci });
    const { request } = (await desk.find(idIn(error))) ?? {};

    expect(error?.message).toContain('Ask somebody whom mcpActions.secrets.users names to enter them');
    expect(request && desk.mayEnter(request, 'user:ops/grace')).toBe(true);
    expect(request && desk.mayEnter(request, 'user:default/ada')).toBe(false);
    expect(request && desk.mayEnter(request, 'ci')).toBe(false);
  });

  test('nobody, where it names none: the call is refused with the key', async () => {
    const call = start();

    const { error } = await call({ credentials: ci, canOpenUrl: true });

    expect(error?.message).toBe(
      'Action "vault:store" needs secrets, and nobody can enter them: the caller is no user, and mcpActions.secrets.users names nobody who may enter secrets for such callers',
    );
    expect(decisions()).toEqual(['needs_secrets_unavailable']);
  });
});

describe('entering', () => {
  test('is checked by the schema of the action, each mistake with its place', async () => {
    const call = start();
    const { error } = await call();

    const issues = await desk.enter(idIn(error), { key: 'abc' });

    expect(issues).toEqual([{ path: ['key'], message: expect.stringContaining('>=4 characters') }]);
    expect((await desk.find(idIn(error)))?.isEntered).toBe(false);
  });

  test('comes too late for what is over, and once for the rest', async () => {
    const call = start();
    const id = await enterFor(call);

    await expect(desk.enter(id, { key: secret })).rejects.toThrow('have been entered already');
    await expect(desk.enter('unknown', { key: secret })).rejects.toThrow('or the time for it is over');
  });

  test('a check that fails says nothing of what it was given', async () => {
    const call = start();
    const failing: VisibleAction = {
      descriptor: listedAction('vault:store', { schema: { input: {}, output: {}, secrets: secrets.jsonSchema } }),
      checks: {
        input: input.parse,
        output: input.parse,
        secrets: value => {
          throw new Error(`Cannot check ${JSON.stringify(value)}`);
        },
      },
      run: async () => ({ output: 'done' }),
    };
    const { error } = await call({ find: async () => failing });

    await expect(desk.enter(idIn(error), { key: secret })).rejects.toThrow('Cannot check {"key":"***"}');
  });
});

test('what an action throws does not repeat secrets to callers, records or logs', async () => {
  const call = start();
  const failing: VisibleAction = {
    descriptor: listedAction('vault:store', { schema: { input: {}, output: {}, secrets: secrets.jsonSchema } }),
    checks: { input: input.parse, output: input.parse, secrets: secrets.parse },
    run: async ({ secrets: given }) => {
      throw new InputError(`The key ${(given as { key: string }).key} is revoked`);
    },
  };
  const find = async () => failing;
  await enterFor(call, { find });

  const { error } = await call({ find });

  expect(error?.message).toBe('The key *** is revoked');
  expect(JSON.stringify(audited)).not.toContain(secret);
  expect(error?.stack).not.toContain(secret);
});

test('what an action throws after its time was up does not either', async () => {
  const call = start();
  const slow: VisibleAction = {
    descriptor: listedAction('vault:store', { schema: { input: {}, output: {}, secrets: secrets.jsonSchema } }),
    checks: { input: input.parse, output: input.parse, secrets: secrets.parse },
    timeoutSeconds: 0.1,
    run: ({ signal, secrets: given }) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(new Error(`Gave up on ${(given as { key: string }).key}`))),
      ),
  };
  const find = async () => slow;
  await enterFor(call, { find });

  const { error } = await call({ find });
  await new Promise(setImmediate);

  expect(error?.name).toBe('ActionTimeoutError');
  expect(logged.map(({ error: late }) => (late as Error)?.message)).toContain('Gave up on ***');
});

test('what the action has put out is read again without them', async () => {
  const call = start();
  const find = async () => ({
    descriptor: listedAction('vault:store', {
      schema: { input: input.jsonSchema, output: {}, secrets: secrets.jsonSchema },
    }),
    checks: { input: input.parse, output: (value: unknown) => ({ ok: true as const, value }) },
    effect: () => 'read' as const,
    run: async () => ({ output: 'read again' }),
  });

  const { output, error } = await call({ find });

  expect(error).toBeUndefined();
  expect(output).toBe('read again');
});

describe('doors whose calls bring their secrets', () => {
  test('are told what they are told without pages', async () => {
    const call = start();

    const { error } = await call({ takesSecrets: false });

    expect(error?.message).toBe('Action "vault:store" requires secrets but none were provided');
    expect(decisions()).toEqual(['refuse_input']);
  });

  test('do not touch what was entered for others', async () => {
    const call = start();
    await enterFor(call);

    expect((await call({ takesSecrets: false, secrets: { key: 'brought along' } })).output).toBe('done');
    expect(ran).toEqual([expect.objectContaining({ secrets: { key: 'brought along' } })]);
    expect((await call()).output).toBe('done');
  });
});

test('without pages, nobody is asked at any door', async () => {
  const call = start({ isClosed: true });

  const { error } = await call({ canOpenUrl: true });

  expect(error?.message).toBe('Action "vault:store" requires secrets but none were provided');
  expect(decisions()).toEqual(['refuse_input']);
});

test('an action of another backend is given what was entered, and checks it there', async () => {
  const call = start();
  const remote: VisibleAction = {
    descriptor: listedAction('vault:store', { schema: { input: {}, output: {}, secrets: secrets.jsonSchema } }),
    run: async given => {
      ran.push(given.secrets);
      return { output: 'done' };
    },
  };
  const find = async () => remote;
  await enterFor(call, { find });

  expect((await call({ find })).output).toBe('done');
  expect(ran).toEqual([{ key: secret }]);
});
