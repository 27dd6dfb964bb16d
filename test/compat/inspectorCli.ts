import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { ToolResult } from '@callboard/test-utils';

export const inspectorTransports = ['http', 'sse'] as const;

const run = promisify(execFile);
const processLimitMs = 20_000;

/**
 * The part of `@modelcontextprotocol/inspector` that its `--cli` option starts. It is a package of its own, and unlike
 * the whole, it runs on Node 20. Each request is a process.
 */
export function inspectorCli(options: { url: string; token: string; transport: (typeof inspectorTransports)[number] }) {
  const { url, token, transport } = options;
  const program = programPath();
  const ask = async (...request: string[]): Promise<unknown> => {
    const target = ['--cli', transport === 'sse' ? `${url}/sse` : url, '--transport', transport];
    const { stdout } = await run(
      process.execPath,
      [program, ...target, ...request, '--header', `authorization: Bearer ${token}`],
      // It looks for its package.json from the working directory.
      { cwd: dirname(program), timeout: processLimitMs, killSignal: 'SIGKILL' },
    );
    return JSON.parse(stdout);
  };
  return {
    async listTools(): Promise<{ name: string }[]> {
      const { tools } = (await ask('--method', 'tools/list')) as { tools: { name: string }[] };
      return tools;
    },
    async callTool(name: string, input: Record<string, unknown>): Promise<ToolResult> {
      const args = Object.entries(input).flatMap(([key, value]) => ['--tool-arg', `${key}=${JSON.stringify(value)}`]);
      return (await ask('--method', 'tools/call', '--tool-name', name, ...args)) as ToolResult;
    },
    async close(): Promise<void> {},
  };
}

function programPath(): string {
  const packageFile = createRequire(import.meta.url).resolve('@modelcontextprotocol/inspector-cli/package.json');
  const { bin } = JSON.parse(readFileSync(packageFile, 'utf8')) as { bin: Record<string, string> };
  return join(dirname(packageFile), bin['mcp-inspector-cli'] ?? '');
}
