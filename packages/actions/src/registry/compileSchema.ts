import type { ActionSchema } from '@callboard/actions-api';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { JSONSchema7 } from 'json-schema';
import * as zod from 'zod';
import { zodToJsonSchema, zodV3 } from '../sharedCopies.js';

/** A schema as an author gives it: an object, or Backstage's callback that is handed zod 3. */
export type GivenSchema = ActionSchema | ((z: typeof zodV3) => unknown);

export type Parsed =
  | { ok: true; value: unknown }
  | {
      ok: false;
      problems: string;
      /** The same, one by one; the path is empty for what concerns the whole. */
      issues?: readonly { path: readonly string[]; message: string }[];
    };

/** A schema made ready once, at registration. */
export interface CompiledSchema {
  readonly jsonSchema: JSONSchema7;
  parse(value: unknown): Parsed | Promise<Parsed>;
}

/** Which face of a schema callers see: what it accepts, or what it produces. */
export type SchemaSide = 'input' | 'output';

interface DescribesItself {
  jsonSchema: Record<SchemaSide, (options: { target: string }) => Record<string, unknown>>;
}

/**
 * Converts a schema to JSON Schema draft 7 (what the actions endpoints carry) and to a validator.
 *
 * @throws Error that says what is wrong if it is no schema, cannot be expressed as JSON Schema, or
 * has anything but an object at its root.
 */
export function compileSchema(given: GivenSchema, side: SchemaSide): CompiledSchema {
  const schema = isStandardSchema(given) ? given : resolveCallback(given);
  const jsonSchema = withRootInPlace(toJsonSchema(schema, side));
  if (jsonSchema.type !== 'object') {
    throw new Error(`expected an object at the root, got ${describeRoot(jsonSchema)}`);
  }
  const validate = schema['~standard'].validate;
  return {
    jsonSchema,
    parse(value) {
      const result = validate(value);
      // Not by instanceof: a promise of another realm taken for a result would let everything pass.
      return 'then' in result ? Promise.resolve(result).then(toParsed) : toParsed(result);
    },
  };
}

function resolveCallback(given: unknown): StandardSchemaV1 {
  if (typeof given !== 'function') {
    throw new Error(`expected a schema or a function that returns one, got ${describeValue(given)}`);
  }
  const schema = given(zodV3);
  if (!isStandardSchema(schema)) {
    throw new Error(`expected the schema function to return a schema, got ${describeValue(schema)}`);
  }
  return schema;
}

// ArkType's types are functions that carry `~standard`, so this comes before the test for a callback.
function isStandardSchema(value: unknown): value is StandardSchemaV1 {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) {
    return false;
  }
  const standard = (value as Partial<StandardSchemaV1>)['~standard'];
  return typeof standard?.validate === 'function';
}

function toJsonSchema(schema: StandardSchemaV1, side: SchemaSide): JSONSchema7 {
  const standard = schema['~standard'] as Partial<DescribesItself> & StandardSchemaV1.Props;
  try {
    if (standard.jsonSchema) {
      return standard.jsonSchema[side]({ target: 'draft-07' }) as JSONSchema7;
    }
    if ('_zod' in schema) {
      return zod.toJSONSchema(schema as unknown as zod.ZodType, { io: side, target: 'draft-7' }) as JSONSchema7;
    }
    if (standard.vendor === 'zod') {
      // biome-ignore lint/suspicious/noExplicitAny: zod-to-json-schema's own type for zod 3 schemas
      return zodToJsonSchema(schema as any) as JSONSchema7;
    }
  } catch (error) {
    throw new Error(`cannot be expressed as JSON Schema: ${error instanceof Error ? error.message : String(error)}`);
  }
  throw new Error(`the schema library "${standard.vendor}" offers no JSON Schema (Standard JSON Schema)`);
}

// zod 4 puts a root that has an id among the definitions.
function withRootInPlace(jsonSchema: JSONSchema7): JSONSchema7 {
  const { $ref, ...rest } = jsonSchema;
  const name = $ref?.match(/^#\/definitions\/([^/]+)$/)?.[1];
  const definition = name === undefined ? undefined : rest.definitions?.[name];
  return typeof definition === 'object' ? { ...rest, ...definition } : jsonSchema;
}

function toParsed(result: StandardSchemaV1.Result<unknown>): Parsed {
  return result.issues
    ? {
        ok: false,
        problems: result.issues.map(describeIssue).join('; '),
        issues: result.issues.map(issue => ({ path: pathOf(issue), message: issue.message })),
      }
    : { ok: true, value: result.value };
}

function describeIssue(issue: StandardSchemaV1.Issue): string {
  const at = pathOf(issue).join('.');
  return at ? `${at}: ${issue.message}` : issue.message;
}

function pathOf({ path = [] }: StandardSchemaV1.Issue): string[] {
  return path.map(part => String(typeof part === 'object' ? part.key : part));
}

function describeRoot(jsonSchema: JSONSchema7): string {
  if (jsonSchema.type) {
    return String(jsonSchema.type);
  }
  const union = (['anyOf', 'oneOf', 'allOf'] as const).find(keyword => jsonSchema[keyword]);
  return union ? `a union (${union})` : 'a schema without a type';
}

function describeValue(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value;
}
