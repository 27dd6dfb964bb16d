import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

// The built program, as clients start it; `npm test` builds it first.
const program = fileURLToPath(new URL('../dist/bin.js', import.meta.url));

/** What single commands need: whoever starts a bridge, or asks for help, waits for everything that is loaded. */
const packages = ['@modelcontextprotocol/client', 'zod', 'undici', 'open', 'cli-table3', 'smol-toml', 'jsonc-parser'];

test('help loads nothing that only some commands need', () => {
  const { text, files } = listLoadedFiles(['--help']);

  expect(text).toContain('Usage: callboard');
  expect(files.some(file => file.endsWith('/dist/program.js'))).toBe(true);
  const loaded = packages.filter(name => files.some(file => file.includes(`/node_modules/${name}/`)));
  expect(loaded).toEqual([]);
});

function listLoadedFiles(args: string[]): { text: string; files: string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'callboard-cli-'));
  try {
    const env = { PATH: process.env.PATH, NODE_V8_COVERAGE: folder };
    const text = spawnSync(process.execPath, [program, ...args], { env, encoding: 'utf8' }).stdout;
    const scripts: { url: string }[] = readdirSync(folder).flatMap(
      name => JSON.parse(readFileSync(join(folder, name), 'utf8')).result,
    );
    return { text, files: scripts.map(({ url }) => url) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
