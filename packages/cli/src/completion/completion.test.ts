import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { runCli } from '../testing/cli.js';

const complete = async (...words: string[]) => (await runCli(['__complete', '--', ...words])).stdout.trim().split('\n');

it.each([
  [[''], ['bridge', 'mcp', 'client-config', 'actions', 'login', 'logout', 'completion', 'help']],
  [['act'], ['actions']],
  [
    ['actions', ''],
    ['list', 'describe', 'call', 'explain', 'help'],
  ],
  [['actions', 'ca'], ['call']],
  [
    ['client-config', '--client', 'c'],
    ['cursor', 'claude-desktop', 'claude-code', 'codex'],
  ],
  [['client-config', '--client', 'codex', '--sc'], ['--scope']],
  [
    ['bridge', '--tok'],
    ['--token', '--token-env'],
  ],
  [['m'], ['mcp']],
  [
    ['mcp', '--'],
    ['--project', '--entry', '--config', '--server', '--verbose', '--agent-id', '--mode', '--help'],
  ],
  [['mcp', '--mode', 'r'], ['readonly']],
  [['client-config', '--lo'], ['--local']],
  [
    ['bridge', '--mode', ''],
    ['agent', 'operator', 'readonly', 'admin'],
  ],
  [
    ['completion', ''],
    ['bash', 'zsh', 'fish'],
  ],
])('after %j come %j', async (words, fitting) => {
  expect(await complete(...words)).toEqual(fitting);
});

it.each(['bash', 'zsh', 'fish'])('prints a script for %s', async shell => {
  const { exitCode, stdout } = await runCli(['completion', shell]);

  expect(exitCode).toBe(0);
  expect(stdout).toContain('callboard __complete');
});

it('has a script that bash takes, and that completes there', async () => {
  const { stdout: script } = await runCli(['completion', 'bash']);
  const { stdout, stderr } = spawnSync(
    'bash',
    [
      '-c',
      `callboard() { [ "$1" = __complete ] && printf '%s\\n' bridge actions; }
${script}
COMP_WORDS=(callboard act); COMP_CWORD=1; _callboard; echo "\${COMPREPLY[@]}"`,
    ],
    { encoding: 'utf8' },
  );

  expect({ stdout, stderr }).toEqual({ stdout: 'actions\n', stderr: '' });
});

it('refuses a shell that it does not know', async () => {
  expect(await runCli(['completion', 'csh'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('Allowed choices are bash, zsh, fish'),
  });
});
