import { existsSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type AppConfig, type Config, ConfigReader } from '@backstage/config';
import { type ConfigSource, EnvConfigSource, FileConfigSource } from '@backstage/config-loader';
import { InputError } from '@backstage/errors';
import type { JsonObject, JsonValue } from '@backstage/types';

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
  const files = configFiles(parseConfigArguments(argv), cwd, rootDir);
  const sources = [
    ...files.map(path => ({
      name: path,
      source: FileConfigSource.create({
        path,
        watch: false,
        substitutionFunc: async name => env[name] ?? `${UNSET}${name}${UNSET}`,
      }),
    })),
    { name: 'environment', source: EnvConfigSource.create({ env }) },
  ];
  const readings = await Promise.allSettled(sources.map(({ source }) => readOnce(source)));
  const mistakes = readings.flatMap((reading, index) =>
    reading.status === 'rejected' ? [describeMistake(sources[index]?.name ?? '', reading.reason)] : [],
  );
  if (mistakes.length > 0) {
    throw new InputError(`The configuration cannot be read:\n${mistakes.map(indent).join('\n')}`);
  }
  return readings
    .flatMap(reading => (reading.status === 'fulfilled' ? reading.value : []))
    .map(layer => ({ ...layer, data: leaveOutUnset(layer.data, '', options.onUnset ?? (() => {})) as JsonObject }));
}

/** Stands around the names of variables that are not set; no file can hold it. */
const UNSET = '\u0000';

function leaveOutUnset(
  value: JsonValue | undefined,
  key: string,
  tell: NonNullable<LoadConfigOptions['onUnset']>,
): JsonValue | undefined {
  if (typeof value === 'string') {
    const [, variable] = value.split(UNSET);
    if (variable === undefined) {
      return value;
    }
    tell({ variable, key });
    return undefined;
  }
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => {
      const kept = leaveOutUnset(item, `${key}[${index}]`, tell);
      return kept === undefined ? [] : [kept];
    });
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).flatMap(([name, member]) => {
        const kept = leaveOutUnset(member, key === '' ? name : `${key}.${name}`, tell);
        return kept === undefined ? [] : [[name, kept]];
      }),
    );
  }
  return value;
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

async function readOnce(source: ConfigSource): Promise<AppConfig[]> {
  for await (const { configs } of source.readConfigData()) {
    return configs;
  }
  return [];
}

function describeMistake(name: string, error: unknown): string {
  const message = messageOf(error);
  if (message === `Config file "${name}" does not exist`) {
    return `${name}: there is no such file`;
  }
  const withoutPath = message.replace(`Failed to read config file at "${name}", `, '');
  return isAbsolute(name) ? `${name}: ${withoutPath}` : withoutPath;
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim();
}

function indent(text: string): string {
  return `  ${text.replaceAll('\n', '\n  ')}`;
}
