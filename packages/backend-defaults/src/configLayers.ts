import { readFile as readText } from 'node:fs/promises';
import { dirname, extname, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { JsonObject, JsonValue } from '@backstage/types';
import { parse as parseYaml } from 'yaml';

// What `@backstage/config-loader` does with files and variables, without the 400 modules that it loads for schemas and
// for watching files. `configLayers.test.ts` holds one against the other.

/** Variables of the environment. */
export type Environment = Record<string, string | undefined>;

/** Told of each value that is left out because it names a variable that is not set. */
export type TellUnset = (unset: { variable: string; key: string }) => void;

/**
 * Reads a file with what it refers to: `${NAME}`, `${NAME:-default}`, `$env`, `$file` and `$include`.
 *
 * @param path - absolute.
 * @returns `undefined` if there is nothing in it.
 * @throws Error that says what is wrong, without the path.
 */
export async function readConfigFile(
  path: string,
  { env, onUnset }: { env: Environment; onUnset: TellUnset },
): Promise<JsonObject | undefined> {
  const content = await read(path).catch(error => {
    throw error.code === 'ENOENT' ? new Error('there is no such file') : error;
  });
  const parsed: JsonValue = parseYaml(content);
  if (parsed === null) {
    return undefined;
  }
  const value = await resolveReferences(parsed, { key: '', folder: dirname(path), env, onUnset });
  if (!isObject(value)) {
    throw new Error('expected object at config root');
  }
  return value;
}

/**
 * Reads `APP_CONFIG_…` variables: the rest of the name is the path, with `_` between its parts, and the value is JSON
 * or a string.
 *
 * @throws TypeError that names the first that cannot be used.
 */
export function readConfigVariables(env: Environment): JsonObject | undefined {
  let data: JsonObject | undefined;
  for (const [name, text] of Object.entries(env)) {
    if (text && name.startsWith(PREFIX)) {
      data ??= {};
      setAtPath(data, name.slice(PREFIX.length), text);
    }
  }
  return data;
}

const PREFIX = 'APP_CONFIG_';
const PATH_PART = /^[a-z][a-z0-9]*(?:[-_:][a-z0-9]+)*$/i;

function setAtPath(data: JsonObject, path: string, text: string): void {
  const parts = path.split('_');
  if (parts.some(part => !PATH_PART.test(part))) {
    throw new TypeError(`Invalid env config key '${path}'`);
  }
  let parent = data;
  for (const [index, part] of parts.slice(0, -1).entries()) {
    parent[part] ??= {};
    const next = parent[part];
    if (!isObject(next)) {
      const taken = parts.slice(0, index + 1).join('_');
      throw new TypeError(`Could not nest config for key '${path}' under existing value '${taken}'`);
    }
    parent = next;
  }
  const last = parts.at(-1) as string;
  if (last in parent) {
    throw new TypeError(`Refusing to override existing config at key '${path}'`);
  }
  const value = parseJson(text);
  if (value === null) {
    throw new TypeError(`Failed to parse JSON-serialized config value for key '${path}', Error: value may not be null`);
  }
  parent[last] = value;
}

function parseJson(text: string): JsonValue {
  try {
    return JSON.parse(text);
  } catch {
    // What is no JSON is a string.
    return text;
  }
}

/** Where a value stands. */
interface Place {
  /** As `a.b[0]`; empty for the root. */
  key: string;
  /** What relative paths start at. */
  folder: string;
  env: Environment;
  onUnset: TellUnset;
}

async function resolveReferences(given: JsonValue | undefined, place: Place): Promise<JsonValue | undefined> {
  const { value, folder } = await resolveReference(given, place).catch(error => {
    throw new Error(`error at ${place.key === '' ? '' : `.${place.key}`}, ${error.message}`);
  });
  if (Array.isArray(value)) {
    const items = await inOrder(value.entries(), async ([index, item]) =>
      resolveReferences(item, { ...place, folder, key: `${place.key}[${index}]` }),
    );
    return items.filter(item => item !== undefined);
  }
  if (!isObject(value)) {
    return value;
  }
  const members = await inOrder(Object.entries(value), async ([name, member]) => {
    const key = place.key === '' ? name : `${place.key}.${name}`;
    return [name, await resolveReferences(member, { ...place, folder, key })] as const;
  });
  return Object.fromEntries(members.filter(([, member]) => member !== undefined));
}

/** One after the other, so that it is always the first mistake that is told. */
async function inOrder<T, R>(items: Iterable<T>, take: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) {
    results.push(await take(item));
  }
  return results;
}

interface Resolved {
  value: JsonValue | undefined;
  folder: string;
}

const INCLUDE_KEYS = ['$file', '$env', '$include'];

async function resolveReference(given: JsonValue | undefined, place: Place): Promise<Resolved> {
  const { folder } = place;
  if (typeof given === 'string') {
    return { value: substitute(given, place), folder };
  }
  const includeKey = isObject(given) ? Object.keys(given).find(key => INCLUDE_KEYS.includes(key)) : undefined;
  if (!isObject(given) || includeKey === undefined) {
    return { value: given, folder };
  }
  if (Object.keys(given).length !== 1) {
    throw new Error(`include key ${includeKey} should not have adjacent keys`);
  }
  const written = given[includeKey];
  if (typeof written !== 'string') {
    throw new Error(`${includeKey} include value is not a string`);
  }
  const target = substitute(written, place);
  if (target === undefined) {
    throw new Error(`${includeKey} substitution value was undefined`);
  }
  switch (includeKey) {
    case '$env':
      return { value: readVariable(target, place), folder };
    case '$file':
      return { value: (await readIncluded(target, place, `read file ${target}`)).trimEnd(), folder };
    default:
      return include(target, place);
  }
}

const parsers: Record<string, (content: string) => JsonValue> = {
  '.json': JSON.parse,
  '.yaml': parseYaml,
  '.yml': parseYaml,
};

async function include(target: string, place: Place): Promise<Resolved> {
  const [file = '', path] = target.split(/#(.*)/);
  const parse = parsers[extname(file)];
  if (!parse) {
    throw new Error(`no configuration parser available for included file ${file}`);
  }
  const content = await readIncluded(file, place);
  const folder = dirname(resolve(place.folder, file));
  let value: JsonValue | undefined;
  try {
    value = parse(content);
  } catch (error) {
    throw new Error(`failed to parse included file ${file}, ${error}`);
  }
  const parts = path ? path.split('.') : [];
  for (const [index, part] of parts.entries()) {
    if (!isObject(value)) {
      throw new Error(`value at '${parts.slice(0, index).join('.')}' in included file ${file} is not an object`);
    }
    value = value[part];
  }
  return { value: typeof value === 'string' ? substitute(value, place) : value, folder };
}

async function readIncluded(path: string, { folder }: Place, doing?: string): Promise<string> {
  const fullPath = resolve(folder, path);
  try {
    return await read(fullPath);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const problem = missing ? `failed to include "${fullPath}", file does not exist` : (error as Error).message;
    throw new Error(
      doing === undefined ? problem : `failed to ${doing}, ${missing ? `NotFoundError: ${problem}` : error}`,
    );
  }
}

/** Puts variables into a text; `$${NAME}` stays as `${NAME}`. */
function substitute(text: string, place: Place): string | undefined {
  const parts = text.split(/(\$?\$\{[^{}]*\})/).map((part, index) => {
    if (index % 2 === 0) {
      return part;
    }
    if (part.startsWith('$$')) {
      return part.slice(1);
    }
    const [name = '', ...fallback] = part.slice(2, -1).split(':-');
    return readVariable(name.trim(), place, fallback.length > 0 ? fallback.join(':-').trim() : undefined);
  });
  return parts.includes(undefined) ? undefined : parts.join('');
}

/** @param fallback - also stands for a variable that is empty. */
function readVariable(name: string, { env, key, onUnset }: Place, fallback?: string): string | undefined {
  const value = fallback === undefined ? env[name] : env[name] || fallback || undefined;
  if (value === undefined) {
    onUnset({ variable: name, key });
  }
  return value;
}

/** A file that is empty may be one that is just being written. */
async function read(path: string): Promise<string> {
  const content = await readText(path, 'utf8');
  if (content !== '') {
    return content;
  }
  await wait(10);
  return readText(path, 'utf8');
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
