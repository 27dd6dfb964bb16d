import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse as parseToml } from 'smol-toml';
import { beforeEach, describe, expect, it } from 'vitest';
import { makeHome, runCli } from '../testing/cli.js';
import { type ClientName, clientNames, clients } from './clients.js';

const url = 'https://portal.example.com/api/mcp-actions/v1';
let home: string;
beforeEach(() => {
  home = makeHome();
  return () => rmSync(home, { recursive: true, force: true });
});

const configure = (args: string[], more: Parameters<typeof runCli>[1] = {}) =>
  runCli(['client-config', '--url', url, ...args], { homeDir: home, cwd: join(home, 'project'), ...more });

const configureLocal = (args: string[]) => runCli(['client-config', ...args], { homeDir: home, cwd: '/here' });

const place = (platform: NodeJS.Platform, env = {}) => ({
  platform,
  env,
  cwd: platform === 'win32' ? 'D:\\project' : '/project',
  homeDir: platform === 'win32' ? 'C:\\Users\\ada' : '/home/ada',
});

describe('where clients keep their configuration', () => {
  it.each<[ClientName, 'project' | 'user', NodeJS.Platform, string | undefined]>([
    ['cursor', 'project', 'linux', '/project/.cursor/mcp.json'],
    ['cursor', 'user', 'darwin', '/home/ada/.cursor/mcp.json'],
    ['cursor', 'user', 'win32', 'C:\\Users\\ada\\.cursor\\mcp.json'],
    ['claude-desktop', 'user', 'darwin', '/home/ada/Library/Application Support/Claude/claude_desktop_config.json'],
    ['claude-desktop', 'user', 'win32', 'C:\\Users\\ada\\AppData\\Roaming\\Claude\\claude_desktop_config.json'],
    ['claude-desktop', 'user', 'linux', '/home/ada/.config/Claude/claude_desktop_config.json'],
    ['claude-desktop', 'project', 'linux', undefined],
    ['claude-code', 'project', 'win32', 'D:\\project\\.mcp.json'],
    ['claude-code', 'user', 'linux', '/home/ada/.claude.json'],
    ['vscode', 'project', 'darwin', '/project/.vscode/mcp.json'],
    ['vscode', 'user', 'darwin', '/home/ada/Library/Application Support/Code/User/mcp.json'],
    ['vscode', 'user', 'win32', 'C:\\Users\\ada\\AppData\\Roaming\\Code\\User\\mcp.json'],
    ['vscode', 'user', 'linux', '/home/ada/.config/Code/User/mcp.json'],
    ['codex', 'user', 'linux', '/home/ada/.codex/config.toml'],
    ['codex', 'user', 'win32', 'C:\\Users\\ada\\.codex\\config.toml'],
    ['codex', 'project', 'linux', '/project/.codex/config.toml'],
  ])('%s, %s, %s', (client, scope, platform, file) => {
    expect(clients[client].locate(scope, place(platform))).toBe(file);
  });

  it.each<[ClientName, NodeJS.Platform, Record<string, string>, string]>([
    ['claude-desktop', 'win32', { APPDATA: 'E:\\Roaming' }, 'E:\\Roaming\\Claude\\claude_desktop_config.json'],
    ['vscode', 'linux', { XDG_CONFIG_HOME: '/config' }, '/config/Code/User/mcp.json'],
    ['claude-code', 'linux', { CLAUDE_CONFIG_DIR: '/claude' }, '/claude/.claude.json'],
    ['codex', 'darwin', { CODEX_HOME: '/codex' }, '/codex/config.toml'],
  ])('%s, %s, with %o', (client, platform, env, file) => {
    expect(clients[client].locate('user', place(platform, env))).toBe(file);
  });
});

describe('what is printed', () => {
  it.each<[ClientName, string[], string]>([
    ['cursor', [], `{"mcpServers":{"callboard":{"url":"${url}"}}}`],
    [
      'cursor',
      ['--token-env', 'MCP_TOKEN'],
      `{"mcpServers":{"callboard":{"url":"${url}","headers":{"Authorization":"Bearer \${env:MCP_TOKEN}"}}}}`,
    ],
    [
      'claude-code',
      ['--token-env', 'MCP_TOKEN', '--name', 'portal'],
      `{"mcpServers":{"portal":{"type":"http","url":"${url}","headers":{"Authorization":"Bearer \${MCP_TOKEN}"}}}}`,
    ],
    ['vscode', [], `{"servers":{"callboard":{"type":"http","url":"${url}"}}}`],
    [
      'claude-desktop',
      ['--mode', 'readonly'],
      `{"mcpServers":{"callboard":{"command":"npx","args":["-y","@callboard/cli","bridge"],"env":{"CALLBOARD_URL":"${url}","CALLBOARD_AGENT_ID":"claude-desktop","CALLBOARD_MODE":"readonly"}}}}`,
    ],
    [
      'cursor',
      ['--bridge', '--token-env', 'T', '--agent-id', 'ada', '--bridge-command', 'node "/a b/bin.js"'],
      `{"mcpServers":{"callboard":{"command":"node","args":["/a b/bin.js","bridge"],"env":{"CALLBOARD_URL":"${url}","CALLBOARD_AGENT_ID":"ada","CALLBOARD_TOKEN":"\${env:T}"}}}}`,
    ],
  ])('for %s with %o', async (client, args, json) => {
    const { exitCode, stdout } = await configure(['--client', client, ...args]);

    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual(JSON.parse(json));
  });

  it.each<[string[], object]>([
    [[], { url }],
    [['--token-env', 'T'], { url, bearer_token_env_var: 'T' }],
    [['--token', 'abc'], { url, http_headers: { Authorization: 'Bearer abc' } }],
    [
      ['--bridge', '--token-env', 'T'],
      {
        command: 'npx',
        args: ['-y', '@callboard/cli', 'bridge', '--token-env', 'T'],
        env_vars: ['T'],
        env: { CALLBOARD_URL: url, CALLBOARD_AGENT_ID: 'codex' },
      },
    ],
  ])('for codex with %o', async (args, entry) => {
    const { stdout } = await configure(['--client', 'codex', ...args]);

    expect(parseToml(stdout)).toEqual({ mcp_servers: { callboard: entry } });
  });

  it.each<[ClientName, string[], object]>([
    [
      'cursor',
      ['--local'],
      { mcpServers: { callboard: { command: 'npx', args: ['-y', '@callboard/cli', 'mcp', '--project', '/here'] } } },
    ],
    [
      'claude-desktop',
      ['--local', '--project', '../portal', '--entry', './main.mjs', '--config', 'a.yaml', '--config', '/b.yaml'],
      {
        mcpServers: {
          callboard: {
            args: [
              ...['-y', '@callboard/cli', 'mcp', '--project', '/portal', '--entry', '/portal/main.mjs'],
              ...['--config', '/portal/a.yaml', '--config', '/b.yaml'],
            ],
          },
        },
      },
    ],
    [
      'claude-code',
      ['--local', '--server', 'reading', '--entry', '@acme/backend', '--bridge-command', 'callboard'],
      {
        mcpServers: {
          callboard: {
            type: 'stdio',
            command: 'callboard',
            args: ['mcp', '--project', '/here', '--entry', '@acme/backend', '--server', 'reading'],
          },
        },
      },
    ],
    [
      'vscode',
      ['--local', '--mode', 'readonly'],
      {
        servers: { callboard: { type: 'stdio', env: { CALLBOARD_AGENT_ID: 'vscode', CALLBOARD_MODE: 'readonly' } } },
      },
    ],
  ])('for %s with %o, which knows no URL', async (client, args, entry) => {
    const { exitCode, stdout } = await configureLocal(['--client', client, ...args]);

    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject(entry);
    expect(stdout).not.toContain('http');
  });

  it('refuses what cannot be a named server', async () => {
    expect(await configureLocal(['--client', 'cursor', '--local', '--server', 'A/b'])).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringContaining('--server: expected a key of mcpActions.servers'),
    });
  });

  it('for codex with --local', async () => {
    const { stdout } = await configureLocal(['--client', 'codex', '--local', '--agent-id', 'ada']);

    expect(parseToml(stdout)).toEqual({
      mcp_servers: {
        callboard: {
          command: 'npx',
          args: ['-y', '@callboard/cli', 'mcp', '--project', '/here'],
          env: { CALLBOARD_AGENT_ID: 'ada' },
        },
      },
    });
  });

  it('starts npx in the way of Windows there', async () => {
    const { stdout } = await configure(['--client', 'claude-desktop'], { platform: 'win32' });

    expect(JSON.parse(stdout).mcpServers.callboard).toMatchObject({
      command: 'cmd',
      args: ['/c', 'npx', '-y', '@callboard/cli', 'bridge'],
    });
  });

  it.each<[string[], string]>([
    [['--client', 'claude-desktop', '--token-env', 'T'], 'hands no variables on'],
    [['--client', 'claude-desktop', '--scope', 'project'], 'has no configuration for a project'],
    [['--client', 'cursor', '--mode', 'agent'], 'give --bridge or --local as well'],
    [['--client', 'cursor', '--local', '--token', 'a', '--bridge'], '--url, --token, --bridge: not with --local'],
    [['--client', 'cursor', '--server', 'a', '--config', 'b'], '--config, --server: give --local as well'],
    [['--client', 'cursor', '--bridge', '--mode', 'root'], 'expected agent, operator, readonly, admin, got "root"'],
    [['--client', 'cursor', '--token', 'a', '--token-env', 'B'], 'got both'],
    [['--client', 'cursor', '--token-env', 'a b'], 'expected the name of a variable'],
    [['--client', 'cursor', '--name', '__proto__'], '--name: expected'],
    [['--client', 'emacs'], 'Allowed choices are cursor'],
    [[], "required option '--client"],
  ])('refuses %o', async (args, problem) => {
    const { exitCode, stdout, stderr } = await configure(args);

    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(problem);
  });

  it('warns of a token that is given, and takes none from the environment', async () => {
    const given = await configure(['--client', 'cursor', '--token', 'abc']);
    const inEnvironment = await configure(['--client', 'cursor'], { env: { CALLBOARD_TOKEN: 'abc' } });

    expect(given.stderr).toContain('everybody who can read it');
    expect(inEnvironment.stdout).not.toContain('abc');
  });
});

describe.each(clientNames)('writing for %s', client => {
  const write = (args: string[] = []) => configure(['--client', client, '--write', ...args]);
  const fileOf = () =>
    clients[client].locate(clients[client].defaultScope, {
      platform: 'linux',
      env: {},
      homeDir: home,
      cwd: join(home, 'project'),
    }) as string;
  const backups = () => readdirSync(dirname(fileOf())).filter(name => name.endsWith('.bak'));

  it('makes the file, and a second time changes nothing', async () => {
    const first = await write();
    const content = readFileSync(fileOf(), 'utf8');
    const second = await write();

    expect(first).toMatchObject({ exitCode: 0, stderr: '' });
    expect(first.stdout).toContain(`Written: ${fileOf()}`);
    expect(second.stdout).toBe(`${fileOf()} is up to date.\n`);
    expect(readFileSync(fileOf(), 'utf8')).toBe(content);
    expect(backups()).toEqual([]);
  });

  it('changes its own server, keeps a copy and the permissions of the file', async () => {
    await write();
    const before = readFileSync(fileOf(), 'utf8');

    const changed = await configure([
      ...['--client', client, '--write', '--url', 'http://localhost:7007'],
      ...(client === 'claude-desktop' ? [] : ['--token-env', 'T']),
    ]);

    expect(changed.exitCode).toBe(0);
    expect(readFileSync(fileOf(), 'utf8')).toContain('http://localhost:7007/api/mcp-actions/v1');
    expect(readFileSync(fileOf(), 'utf8')).not.toContain('portal.example.com');
    expect(backups()).toHaveLength(1);
    expect(readFileSync(join(dirname(fileOf()), backups()[0] as string), 'utf8')).toBe(before);
  });

  it('keeps a file with a token to its owner', async () => {
    await write(['--token', 'abc']);

    expect(statSync(fileOf()).mode & 0o777).toBe(0o600);
  });

  it('leaves a broken file alone, and says where', async () => {
    mkdirSync(dirname(fileOf()), { recursive: true });
    const broken = client === 'codex' ? 'model = "x"\n[mcp_servers\n' : '{\n  "a": 1,\n  "b" 2\n}\n';
    writeFileSync(fileOf(), broken);

    const { exitCode, stderr } = await write();

    expect(exitCode).toBe(2);
    expect(stderr).toMatch(new RegExp(`${client === 'codex' ? 'config.toml:2:\\d+' : ':3:7'}: .*nothing was changed`));
    expect(readFileSync(fileOf(), 'utf8')).toBe(broken);
    expect(backups()).toEqual([]);
  });

  it('writes through a link', async () => {
    mkdirSync(dirname(fileOf()), { recursive: true });
    const target = join(home, 'dotfile');
    writeFileSync(target, '');
    symlinkSync(target, fileOf());

    await write();

    expect(lstatSync(fileOf()).isSymbolicLink()).toBe(true);
    expect(readFileSync(target, 'utf8')).toContain(url);
  });
});

describe('the rest of the file', () => {
  const write = async (client: ClientName, before: string, args: string[] = []) => {
    const file = join(home, 'project', client === 'vscode' ? '.vscode/mcp.json' : '.cursor/mcp.json');
    const path =
      client === 'codex'
        ? join(home, '.codex/config.toml')
        : client === 'claude-code'
          ? join(home, 'project/.mcp.json')
          : file;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, before);
    const result = await configure(['--client', client, '--write', ...args]);
    return { ...result, after: readFileSync(path, 'utf8') };
  };

  it('keeps comments, order, indentation and line ends of JSON', async () => {
    const before =
      '\ufeff{\r\n\t// mine\r\n\t"inputs": [],\r\n\t"servers": {\r\n\t\t"b": { "url": "http://b" }, // beside\r\n\t},\r\n}\r\n';

    const { exitCode, after } = await write('vscode', before);

    expect(exitCode).toBe(0);
    expect(
      after.startsWith('\ufeff{\r\n\t// mine\r\n\t"inputs": [],\r\n\t"servers": {\r\n\t\t"b": { "url": "http://b" }'),
    ).toBe(true);
    expect(after).toContain('// beside');
    expect(after.replaceAll('\r\n', '')).not.toContain('\n');
    expect(after).toContain(`\t\t\t"url": "${url}"`);
  });

  it('keeps what the person has added to the server', async () => {
    const before = `{"mcpServers": {"callboard": {"url": "http://old", "headers": {"X": "y"}, /* mine */ "disabled": true}}}`;

    const { after } = await write('cursor', before);

    expect(after).toContain('/* mine */');
    expect(after).toContain('"disabled": true');
    expect(after).not.toContain('headers');
  });

  it.each([
    ['claude-code', '{"a": 1, // no\n}', ':1:10'],
    ['claude-code', '[]', 'expected an object, got array'],
    ['claude-code', '{"mcpServers": []}', 'expected an object under mcpServers, got array'],
    ['claude-code', '{"mcpServers": {"callboard": "x"}}', 'expected an object under mcpServers.callboard, got string'],
    ['claude-code', '{"mcpServers": {}, "mcpServers": {}}', '"mcpServers" is there 2 times'],
    ['codex', 'mcp_servers = { a = { url = "x" } }\n', 'put in by hand'],
    ['codex', 'mcp_servers = 1\n', 'expected a table under mcp_servers'],
  ] as const)('(%s) refuses %j', async (client, before, problem) => {
    const { exitCode, stderr, after } = await write(client, before);

    expect(exitCode).toBe(2);
    expect(stderr).toContain(problem);
    expect(after).toBe(before);
  });

  const toml = `# mine
model = "o3" # beside
when = 2026-01-01

[mcp_servers.other] # keep
command = "x"
args = ["a",
  "b", # c
]

[mcp_servers.callboard]
# of the person
enabled = false
args = [
  "old",
]
url = "http://old"

[mcp_servers.callboard.env]
OLD = "1"

[mcp_servers.callboard.tools.x]
approval_mode = "auto"

[[hooks]]
text = """
[mcp_servers.callboard]
"""
`;

  it('keeps comments and all other tables of TOML', async () => {
    const { exitCode, after } = await write('codex', toml);

    expect(exitCode).toBe(0);
    expect(after).toBe(
      toml
        .replace('[mcp_servers.callboard]\n# of', `[mcp_servers.callboard]\nurl = "${url}"\n# of`)
        .replace('args = [\n  "old",\n]\nurl = "http://old"\n', '')
        .replace('[mcp_servers.callboard.env]\nOLD = "1"\n\n', ''),
    );
  });

  it('puts a new table at the end of TOML, with the line ends that are there', async () => {
    const before = 'model = "o3"\r\n\r\n[tui]\r\ntheme = "x"\r\n\r\n\r\n';

    const { after } = await write('codex', before, ['--name', 'my.portal']);

    expect(after).toBe(
      `model = "o3"\r\n\r\n[tui]\r\ntheme = "x"\r\n\r\n[mcp_servers."my.portal"]\r\nurl = "${url}"\r\n`,
    );
  });
});
