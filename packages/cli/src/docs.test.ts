import { readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import todoPlugin from '@callboard/plugin-example-todo-backend';
import mcpFeatures from '@callboard/plugin-mcp-actions-backend';
import safetyPlugin from '@callboard/plugin-safety-backend';
import { startTestApp, type TestApp } from '@callboard/test-utils';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitCodes } from './errors.js';
import { createProgram } from './program.js';
import type { Surroundings } from './Surroundings.js';
import { makeHome, runCli } from './testing/cli.js';

const page = readFileSync(fileURLToPath(new URL('../../../docs/cli.md', import.meta.url)), 'utf8');

let app: TestApp;
let home: string;
beforeAll(async () => {
  home = makeHome();
  app = await startTestApp({
    features: [mcpFeatures, todoPlugin, safetyPlugin],
    config: { backend: { actions: { pluginSources: ['todo'] } } },
  });
});
afterAll(async () => {
  await app?.stop();
  rmSync(home, { recursive: true, force: true });
});

const commands = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)]
  .flatMap(([, block = '']) => block.replaceAll('\\\n', ' ').split('\n'))
  .filter(line => line.startsWith('callboard '));

/** As a shell would, for what the page needs of one. */
function splitWords(line: string): string[] {
  return [...line.matchAll(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g)].map(([word]) => word.replaceAll(/["']/g, ''));
}

function splitQuoted(line: string): string[] {
  return line.includes("'")
    ? line.split(/'([^']*)'/).flatMap((part, index) => (index % 2 === 1 ? [part] : splitWords(part)))
    : splitWords(line);
}

describe('docs/cli.md', () => {
  it.each(commands)('%s', async line => {
    const [command = '', comment = ''] = line.split(' # ');
    const expected = Number(/ends with (\d+)/.exec(comment)?.[1] ?? 0);

    const result = await runCli(splitQuoted(command.replaceAll('http://localhost:7007', app.url)).slice(1), {
      env: { CALLBOARD_URL: app.url, CALLBOARD_TOKEN: app.token },
      homeDir: home,
      cwd: home,
    });

    expect(result).toMatchObject({ exitCode: expected, stdout: expect.stringMatching(/\S/) });
  });

  it('has every exit code', () => {
    const section = page.split('## Exit codes')[1]?.split('\n## ')[0] ?? '';
    const codes = [...section.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));

    expect(codes).toEqual(Object.values(exitCodes));
  });

  it('names every command and every option', () => {
    const missing = allCommands(createProgram({ env: {} } as Surroundings)).flatMap(command => [
      ...(page.includes(command.name()) ? [] : [command.name()]),
      ...command.options.flatMap(({ long }) => (long && page.includes(long) ? [] : [`${command.name()} ${long}`])),
    ]);

    expect(missing).toEqual(['callboard --version']);
  });
});

function allCommands(command: Command): Command[] {
  return [command, ...command.createHelp().visibleCommands(command).flatMap(allCommands)].filter(
    each => each.name() !== 'help',
  );
}
