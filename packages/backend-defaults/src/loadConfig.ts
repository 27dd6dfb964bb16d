import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type AppConfig, type Config, ConfigReader } from '@backstage/config';
import { InputError } from '@backstage/errors';
import { type Environment, readConfigFile, readConfigVariables, type TellUnset } from './configLayers.js';

/** Where configuration comes from. */
export interface LoadConfigOptions {
  /** Arguments after the script's name; `--config <file>` may be repeated, later files win. */
  argv?: string[];
  /** What `--config` paths are relative to; the process's working directory by default. */
  cwd?: string;
  /** Holds `app-config.yaml` and, optionally, `app-config.local.yaml`; `cwd` by default. */
  rootDir?: string;
  /** For `APP_CONFIG_…` overrides and `${NAME}` in files; the process's environment by default. */
  env?: Record<string, string | undefined>;
  /** Told of each value that is left out because it names a variable that is not set, as Backstage leaves it out. */
  onUnset?: (unset: { variable: string; key: string }) => void;
}

/**
 * Reads the configuration of a backend the way Backstage does: files in order, then `APP_CONFIG_…`
 * variables on top, with `${NAME}`, `$file` and `$include` in files.
 *
 * @throws InputError that lists every file, variable and argument that cannot be used.
 */
export async function loadConfig(options: LoadConfigOptions = {}): Promise<Config> {
  return ConfigReader.fromConfigs(await loadConfigLayers(options));
}

/**
 * Like {@link loadConfig}, for hosts that put layers of their own below or above.
 *
 * @returns The layers, weakest first.
 */
export async function loadConfigLayers(options: LoadConfigOptions = {}): Promise<AppConfig[]> {
  const { argv = process.argv.slice(2), cwd = process.cwd(), rootDir = cwd, env = process.env } = options;
  const { onUnset = () => {} } = options;
  const files = configFiles(parseConfigArguments(argv), cwd, rootDir);
  const readings = await Promise.allSettled([
    ...files.map(path => readFileLayer(path, { env, onUnset })),
    readVariablesLayer(env),
  ]);
  const mistakes = readings.flatMap((reading, index) =>
    reading.status === 'rejected' ? [describeMistake(files[index], reading.reason)] : [],
  );
  if (mistakes.length > 0) {
    throw new InputError(`The configuration cannot be read:\n${mistakes.map(indent).join('\n')}`);
  }
  return readings.flatMap(reading => (reading.status === 'fulfilled' ? reading.value : []));
}

async function readFileLayer(path: string, options: { env: Environment; onUnset: TellUnset }): Promise<AppConfig[]> {
  const data = await readConfigFile(path, options);
  return data ? [{ data, context: basename(path) }] : [];
}

async function readVariablesLayer(env: Environment): Promise<AppConfig[]> {
  const data = readConfigVariables(env);
  return data ? [{ data, context: 'env' }] : [];
}

function parseConfigArguments(argv: string[]): string[] {
  try {
    const { values } = parseArgs({ args: argv, options: { config: { type: 'string', multiple: true } }, strict: true });
    return values.config ?? [];
  } catch (error) {
    throw new InputError(
      `Wrong arguments: ${messageOf(error)}\n  expected: --config <file>, once or more; after "npm start" put "--" before them`,
    );
  }
}

function configFiles(targets: string[], cwd: string, rootDir: string): string[] {
  if (targets.length > 0) {
    return targets.map(target => resolve(cwd, target));
  }
  const local = join(rootDir, 'app-config.local.yaml');
  return [join(rootDir, 'app-config.yaml'), ...(existsSync(local) ? [local] : [])];
}

function describeMistake(file: string | undefined, error: unknown): string {
  const message = messageOf(error);
  return file === undefined ? message : `${file}: ${message}`;
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim();
}

function indent(text: string): string {
  return `  ${text.replaceAll('\n', '\n  ')}`;
}
