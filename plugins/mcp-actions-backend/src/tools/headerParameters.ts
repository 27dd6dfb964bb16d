import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';

type Schema = ActionsServiceAction['schema']['input'];

/** An argument that clients repeat in a header (MCP 2026-07-28, transports, custom headers from tool parameters). */
export interface HeaderParameter {
  /** Of the header, after `Mcp-Param-`. */
  readonly name: string;
  /** Property names from the root of the arguments. */
  readonly path: readonly string[];
  readonly isNumeric: boolean;
}

interface MarkedSchema {
  readonly parameters: readonly HeaderParameter[];
  /** As it is published: with its marks, or without any if one of them is wrong. */
  readonly published: Schema;
}

const MARK = 'x-mcp-header';
/** RFC 9110 §5.1. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const TYPES: readonly unknown[] = ['string', 'integer', 'boolean'];
const read = new WeakMap<Schema, MarkedSchema>();

/** The arguments of an action that its input schema marks with `x-mcp-header`. */
export function headerParametersOf({ schema }: ActionsServiceAction): readonly HeaderParameter[] {
  return readMarks(schema.input).parameters;
}

/**
 * The input schema as clients are shown it. A mark that the specification does not allow, such as on a
 * list or with a name that is taken, would have clients leave the tool out: then it is shown without marks.
 */
export function publishedInput({ schema }: ActionsServiceAction): Schema {
  return readMarks(schema.input).published;
}

function readMarks(schema: Schema): MarkedSchema {
  let marked = read.get(schema);
  if (!marked) {
    const parameters = findParameters(schema, []);
    const names = new Set(parameters.map(({ name }) => name.toLowerCase()));
    // Those that are anywhere else, or are no such marks, are the difference.
    const isRight = names.size === parameters.length && countMarks(schema) === parameters.length;
    marked = isRight ? { parameters, published: schema } : { parameters: [], published: withoutMarks(schema) };
    read.set(schema, marked);
  }
  return marked;
}

/** Marks that are right, on properties at any depth. */
function findParameters({ properties = {} }: Schema, path: readonly string[]): HeaderParameter[] {
  return Object.entries(properties).flatMap(([key, schema]) => {
    if (typeof schema !== 'object') {
      return [];
    }
    const name: unknown = Reflect.get(schema, MARK);
    const at = [...path, key];
    const isRight = typeof name === 'string' && TOKEN.test(name) && TYPES.includes(schema.type);
    return [
      ...(isRight ? [{ name, path: at, isNumeric: schema.type === 'integer' }] : []),
      ...findParameters(schema, at),
    ];
  });
}

/** Marks of any kind, wherever a schema can be. A property, a default or an example may be called like the mark. */
function countMarks(schema: unknown): number {
  let count = 0;
  walkSchemas(schema, found => {
    count += MARK in found ? 1 : 0;
  });
  return count;
}

function withoutMarks(schema: Schema): Schema {
  const copy = structuredClone(schema);
  walkSchemas(copy, found => {
    delete found[MARK];
  });
  return copy;
}

const OF_SCHEMAS_BY_NAME = ['properties', 'patternProperties', 'dependentSchemas', '$defs', 'definitions'];
const OF_DATA = ['default', 'const', 'enum', 'examples'];

function walkSchemas(schema: unknown, visit: (schema: Record<string, unknown>) => void): void {
  if (Array.isArray(schema)) {
    for (const item of schema) {
      walkSchemas(item, visit);
    }
  } else if (typeof schema === 'object' && schema !== null) {
    visit(schema as Record<string, unknown>);
    for (const [keyword, value] of Object.entries(schema)) {
      if (OF_SCHEMAS_BY_NAME.includes(keyword)) {
        walkSchemas(Object.values(value ?? {}), visit);
      } else if (!OF_DATA.includes(keyword)) {
        walkSchemas(value, visit);
      }
    }
  }
}
