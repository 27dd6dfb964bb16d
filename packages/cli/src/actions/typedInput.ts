import { UsageError } from '../errors.js';

/** The parts of a JSON Schema that tell how a value is written. */
interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
}

/** What a value may be; empty if the schema does not say. */
export function typesOf(schema: unknown): string[] {
  const { type, enum: values, anyOf = [], oneOf = [] } = (schema ?? {}) as Schema;
  const own = [type ?? []].flat();
  const stated = own.length > 0 ? own : (values ?? []).map(value => (value === null ? 'null' : typeof value));
  return [...new Set([...stated, ...[...anyOf, ...oneOf].flatMap(typesOf)])];
}

/**
 * Reads `key=value` pairs as the schema of an input wants them. `a.b=1` is a field of the object `a`;
 * a key that is given several times, or once for an array of plain values, is a list.
 *
 * @throws UsageError that names the key, what was expected and what came.
 */
export function readPairs(pairs: readonly string[], schema: unknown): Record<string, unknown> {
  const input: Record<string, unknown> = {};
  for (const pair of pairs) {
    const separator = pair.indexOf('=');
    if (separator < 1) {
      throw new UsageError(`Expected key=value, got ${JSON.stringify(pair)}`);
    }
    assign(input, pair.slice(0, separator), pair.slice(separator + 1), schema as Schema);
  }
  return input;
}

function assign(input: Record<string, unknown>, key: string, text: string, schema: Schema): void {
  const { field, path } = locate(key, schema);
  let target = input;
  for (const name of path.slice(0, -1)) {
    if (!Object.hasOwn(target, name)) {
      define(target, name, {});
    }
    target = target[name] as Record<string, unknown>;
    if (typeof target !== 'object' || target === null || Array.isArray(target)) {
      throw new UsageError(`${key}: ${JSON.stringify(name)} was given a value of its own before`);
    }
  }
  const name = path.at(-1) as string;
  const items = findItems(field);
  if (items && !text.trimStart().startsWith('[')) {
    const earlier = Object.hasOwn(target, name) ? (target[name] as unknown[]) : [];
    define(target, name, [...earlier, parseValue(text, items, key)]);
  } else if (Object.hasOwn(target, name)) {
    throw new UsageError(`${key}: given more than once, and not a list`);
  } else {
    define(target, name, parseValue(text, field, key));
  }
}

/** A name with a dot of its own comes before a path. */
function locate(key: string, schema: Schema): { field: Schema | undefined; path: string[] } {
  const { properties = {}, additionalProperties = true } = schema;
  if (Object.hasOwn(properties, key)) {
    return { field: properties[key], path: [key] };
  }
  const [first = '', ...rest] = key.split('.');
  if (rest.length > 0 && Object.hasOwn(properties, first)) {
    const inner = locate(rest.join('.'), properties[first] ?? {});
    return { field: inner.field, path: [first, ...inner.path] };
  }
  if (additionalProperties === false) {
    const known = Object.keys(properties);
    throw new UsageError(
      `There is no input ${JSON.stringify(key)}; ${known.length > 0 ? `expected ${known.join(', ')}` : 'none is expected'}`,
    );
  }
  return { field: typeof additionalProperties === 'object' ? additionalProperties : undefined, path: [key] };
}

function findItems(schema: Schema | undefined): Schema | undefined {
  const { type, items, anyOf = [], oneOf = [] } = schema ?? {};
  return [type].flat().includes('array')
    ? (items ?? {})
    : [...anyOf, ...oneOf].map(findItems).find(found => found !== undefined);
}

/** @param key - for messages. */
export function parseValue(text: string, schema: unknown, key: string): unknown {
  const types = typesOf(schema);
  const { enum: values } = (schema ?? {}) as Schema;
  const wanted = values?.find(value => String(value) === text);
  if (wanted !== undefined) {
    return wanted;
  }
  if (values) {
    throw expected(key, values.map(String).join(', '), text);
  }
  const isText = types.includes('string');
  const value = parseJson(text);
  if (value !== undefined) {
    const type = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
    const fits =
      types.includes(type) || (type === 'number' && types.includes('integer') && Number.isInteger(value as number));
    // "12" for a field that takes text or numbers is a number; for one that takes text it is text.
    if (fits && !(type === 'string' && isText)) {
      return value;
    }
    if (types.length === 0) {
      return value;
    }
  }
  if (isText || types.length === 0) {
    return text;
  }
  throw expected(key, types.join(' or '), text);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Then it is text.
    return undefined;
  }
}

function expected(key: string, what: string, text: string): UsageError {
  return new UsageError(`${key}: expected ${what}, got ${JSON.stringify(text)}`);
}

/** Names of strangers, `__proto__` among them, as properties like any other. */
function define(target: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, enumerable: true, writable: true, configurable: true });
}
