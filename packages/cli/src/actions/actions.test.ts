import { rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import todoPlugin from '@callboard/plugin-example-todo-backend';
import mcpFeatures from '@callboard/plugin-mcp-actions-backend';
import safetyPlugin from '@callboard/plugin-safety-backend';
import { ApprovalDesk, approvalDeskPlugin, freePort, startTestApp, type TestApp } from '@callboard/test-utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliOptions, makeHome, runCli } from '../testing/cli.js';

const freeToken = 'token-of-free-1234567890';
const carefulToken = 'token-of-careful-1234567890';
const readerToken = 'token-of-reader-1234567890';

let app: TestApp;
let desk: ApprovalDesk;
let url: string;
let home: string;
beforeAll(async () => {
  home = makeHome();
  desk = new ApprovalDesk();
  app = await startTestApp({
    features: [mcpFeatures, todoPlugin, safetyPlugin, approvalDeskPlugin(desk)],
    config: {
      backend: {
        auth: {
          externalAccess: [
            { type: 'static', options: { token: freeToken, subject: 'free' } },
            { type: 'static', options: { token: carefulToken, subject: 'careful' } },
            { type: 'static', options: { token: readerToken, subject: 'reader' } },
          ],
        },
        actions: {
          pluginSources: ['todo'],
          callers: [
            { principal: 'careful', mode: 'safe' },
            { principal: 'reader', mode: 'read_only' },
          ],
        },
      },
      mcpActions: {
        servers: { reading: { name: 'Reading', filter: { include: [{ attributes: { readOnly: true } }] } } },
      },
    },
  });
  url = `${app.url}/api/mcp-actions/v1`;
});
afterAll(async () => {
  await app?.stop();
  rmSync(home, { recursive: true, force: true });
});

function actions(args: string[], { env, ...options }: CliOptions = {}) {
  return runCli(['actions', ...args], {
    env: { CALLBOARD_URL: url, CALLBOARD_TOKEN: freeToken, CALLBOARD_STATE_DIR: home, BROWSER: 'true', ...env },
    cwd: home,
    ...options,
  });
}

describe('list and describe', () => {
  it('shows the actions of a server', async () => {
    const all = await actions(['list']);
    const some = await actions(['list', 'GREET', '--json']);
    const named = await actions(['list', '--json', '--url', `${url}/reading`]);

    expect(all.exitCode).toBe(0);
    expect(all.stdout.split('\n')[0]).toMatch(/^ACTION +EFFECT +DESCRIPTION$/);
    expect(all.stdout).toMatch(/^todo\.create-item +changes +Adds an open item/m);
    expect(all.stdout).toMatch(/^todo\.list-items +reads /m);
    expect(all.stdout).toMatch(/^todo\.greet-user +may destroy /m);
    expect(JSON.parse(some.stdout).map(({ name }: { name: string }) => name)).toEqual(['todo.greet-user']);
    expect(JSON.parse(named.stdout).every((tool: { annotations: object }) => 'readOnlyHint' in tool.annotations)).toBe(
      true,
    );
  });

  it('takes the address of the backend for its default server', async () => {
    expect((await actions(['list', '--url', app.url])).stdout).toContain('todo.create-item');
  });

  it('colours terminals, unless NO_COLOR is set', async () => {
    const terminal = { typed: [], columns: 60 };
    const coloured = await actions(['list'], terminal);
    const plain = await actions(['list'], { ...terminal, env: { NO_COLOR: '1' } });

    expect(coloured.stdout).toContain('\u001b[1mACTION');
    expect(plain.stdout).not.toContain('\u001b');
    expect(Math.max(...plain.stdout.split('\n').map(line => line.length))).toBeLessThanOrEqual(60);
  });

  it.each(['todo.create-item', 'todo:create-item'])('describes %s', async name => {
    const { exitCode, stdout } = await actions(['describe', name]);

    expect(exitCode).toBe(0);
    expect(stdout).toContain('todo.create-item  Create a to-do item');
    expect(stdout).toMatch(/^title +string +required/m);
    expect(stdout).toMatch(/^labels +array of string/m);
  });

  it('names what is similar to an action that there is not', async () => {
    const { exitCode, stderr } = await actions(['describe', 'create-item']);

    expect(exitCode).toBe(2);
    expect(stderr).toContain('Did you mean todo.create-item?');
  });
});

describe('call', () => {
  it.each<[string, string[], CliOptions]>([
    ['pairs', ['title=Plants', 'labels=a', 'labels=b', 'dueDate=2027-02-28'], {}],
    ['JSON', ['--input', '{"title":"Plants","labels":["a","b"],"dueDate":"2027-02-28"}'], {}],
    ['standard input', ['-'], { stdin: '{"title":"Plants","labels":["a","b"],"dueDate":"2027-02-28"}' }],
    ['a file', ['--input-file', 'input.json'], {}],
  ])('takes the input from %s', async (_from, args, options) => {
    writeFileSync(join(home, 'input.json'), '{"title":"Plants","labels":["a","b"],"dueDate":"2027-02-28"}');

    const { exitCode, stdout, stderr } = await actions(['call', 'todo.create-item', ...args], options);

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ title: 'Plants', labels: ['a', 'b'], dueDate: '2027-02-28' });
  });

  it('prints the whole result as JSON where that is wanted', async () => {
    const { stdout } = await actions(['call', 'todo.greet-user', 'name=Ada', '--json']);

    expect(JSON.parse(stdout)).toMatchObject({
      structuredContent: { greeting: 'Hello Ada!' },
      content: [{ type: 'text' }],
    });
  });

  it.each<[string, string[], number, string]>([
    ['an action that fails', ['call', 'todo.get-item', 'id=nosuch'], 1, 'NotFoundError: '],
    ['input that the server refuses', ['call', 'todo.create-item', 'title='], 1, 'InputError: '],
    ['an unknown field', ['call', 'todo.create-item', 'name=x'], 2, 'expected title, notes, labels, dueDate'],
    ['a number that is none', ['call', 'todo.list-items', 'limit=many'], 2, 'limit: expected'],
    ['broken JSON', ['call', 'todo.create-item', '--input', '{'], 2, '--input: expected JSON'],
    [
      'JSON that is no object',
      ['call', 'todo.create-item', '--input', '[]'],
      2,
      'expected a JSON object, got an array',
    ],
    ['a file that is not there', ['call', 'todo.create-item', '--input-file', 'nosuch'], 2, '--input-file: '],
    ['two inputs', ['call', 'todo.create-item', 'title=x', '--input', '{}'], 2, 'got several'],
    ['an unknown action', ['call', 'todo.nosuch'], 2, 'There is no action "todo.nosuch"'],
    ['no action', ['call'], 2, "missing required argument 'action'"],
    ['an unknown option', ['list', '--jsn'], 2, 'Did you mean --json?'],
    ['an unknown command', ['lits'], 2, "unknown command 'lits'"],
    ['a URL that is none', ['list', '--url', 'here'], 2, '--url: expected a URL'],
    ['a URL with a password', ['list', '--url', 'http://a:b@localhost'], 2, 'expected no user name or password'],
    ['a mode that is none', ['list', '--mode', 'root'], 2, 'expected agent, operator, readonly, admin, got "root"'],
  ])('%s', async (_case, args, exitCode, problem) => {
    const result = await actions(args);

    expect({ exitCode: result.exitCode, stdout: result.stdout }).toEqual({ exitCode, stdout: '' });
    expect(result.stderr).toContain(problem);
    expect(result.stderr).not.toMatch(/^ {4}at /m);
  });

  it('ends with 3 if nobody answers, or somebody else', async () => {
    const other = createServer((_req, res) => res.writeHead(404).end('nothing')).listen(0, '127.0.0.1');
    await new Promise(resolve => other.once('listening', resolve));

    const nobody = await actions(['list', '--url', `http://localhost:${await freePort()}`]);
    const somebody = await actions([
      'list',
      '--url',
      `http://127.0.0.1:${(other.address() as { port: number }).port}/mcp`,
    ]);
    other.close();

    expect(nobody).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('does not answer') });
    expect(somebody).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('There is no MCP server at') });
  });

  it('ends with 4 for a token that is not known, and does not say it', async () => {
    const inEnv = await actions(['list'], { env: { CALLBOARD_TOKEN: 'not-a-token-0123456789' } });
    const given = await actions(['list', '--token', 'not-a-token-0123456789']);
    const none = await actions(['list'], { env: { CALLBOARD_TOKEN: '' } });

    expect(inEnv).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('does not accept the token (401)') });
    expect(given.stderr).toContain('A token on the command line can be read by other users');
    expect(inEnv.stderr + given.stderr).not.toContain('not-a-token');
    expect(none).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('Not signed in') });
  });

  it('says where an error comes from with --debug', async () => {
    expect((await actions(['describe', 'nosuch', '--debug'])).stderr).toMatch(/^ {4}at /m);
  });
});

describe('a call that a person has to approve', () => {
  const careful = { env: { CALLBOARD_TOKEN: carefulToken } };

  it('ends with 5 and the page', async () => {
    const { exitCode, stdout, stderr } = await actions(['call', 'todo.create-item', 'title=Pending'], careful);
    desk.decide('denied');

    expect({ exitCode, stdout }).toEqual({ exitCode: 5, stdout: '' });
    expect(stderr).toContain('https://callboard.example.com/approvals/approval-');
  });

  it.each([
    ['approved', 0],
    ['denied', 1],
  ] as const)('waits until it is %s', async (state, exitCode) => {
    const result = actions(
      ['call', 'todo.create-item', `title=Waited ${state}`, '--wait', '--poll-seconds', '0.1', '--reason', 'because'],
      careful,
    );
    await expect.poll(() => desk.pending.length).toBe(1);
    desk.decide(state);

    expect((await result).exitCode).toBe(exitCode);
    expect((await result).stderr).toContain('Waiting for the decision');
  });

  it.each([
    [['y'], 0],
    [['n'], 1],
    [[], 1],
  ] as const)('is asked about at the terminal; typed: %j', async (typed, exitCode) => {
    const { stderr, ...result } = await actions(['call', 'todo.create-item', `title=Typed ${typed}`], {
      ...careful,
      typed,
    });

    expect(stderr).toContain('Accept? [y/N]');
    expect(result.exitCode).toBe(exitCode);
  });
});

describe('explain', () => {
  it.each<[string, string[], string, number, RegExp]>([
    ['passes', ['todo:create-item'], freeToken, 0, /may call it/],
    ['asks', ['todo.create-item'], carefulToken, 5, /→ +requireApproval +asks/],
    ['refuses', ['todo:create-item'], readerToken, 1, /→ +checkSafetyMode +refuses +backend\.actions\.callers/],
    ['refuses what is not there', ['todo:nosuch'], freeToken, 1, /→ +findVisibleAction +refuses/],
    ['refuses for a scope', ['todo:create-item', '--scopes', 'actions:read'], freeToken, 1, /→ +checkScopes +refuses/],
    ['refuses elsewhere', ['todo:create-item', '--server', 'reading'], freeToken, 1, /does not publish/],
    ['answers about another door', ['todo:create-item', '--door', 'http'], freeToken, 0, /may call it/],
  ])('%s', async (_case, args, token, exitCode, line) => {
    const result = await actions(['explain', ...args], { env: { CALLBOARD_TOKEN: token } });

    expect(result.stdout).toMatch(line);
    expect({ exitCode: result.exitCode, stderr: result.stderr }).toEqual({ exitCode, stderr: '' });
  });

  it('goes by the server of the URL, and prints JSON', async () => {
    const { exitCode, stdout } = await actions(['explain', 'todo:create-item', '--url', `${url}/reading`, '--json']);

    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'refuses', steps: expect.any(Array) });
  });

  it.each<[string, string[], Record<string, string>, number, string]>([
    ['others, for who is no operator', ['--principal', 'user:default/ada'], {}, 4, 'Asking about others'],
    ['without a token', [], { CALLBOARD_TOKEN: '' }, 4, 'explain needs a token'],
    ['with a wrong token', [], { CALLBOARD_TOKEN: 'not-a-token-0123456789' }, 4, '(401)'],
    ['a door that is none', ['--door', 'window'], {}, 2, '--door: expected mcp, http, in-process'],
    ['broken input', ['--input', '{'], {}, 2, '--input: expected JSON'],
    ['a server whose backend is not known', ['--url', 'http://localhost:1/mcp'], {}, 2, '--backend-url'],
    ['nobody', ['--url', 'http://localhost:1'], {}, 3, 'does not answer'],
  ])('asked about %s', async (_case, args, env, exitCode, problem) => {
    const result = await actions(['explain', 'todo:create-item', ...args], { env });

    expect(result).toMatchObject({ exitCode, stdout: '', stderr: expect.stringContaining(problem) });
  });
});
