import type { JsonObject } from '@backstage/types';
import type { JSONSchema7 } from 'json-schema';

/** Formats that a field of a form may have (MCP 2025-11-25, client/elicitation, requested schema). */
const FORMATS = ['email', 'uri', 'date', 'date-time'];
const ROOT_KEYWORDS = ['$schema', 'type', 'properties', 'required', 'additionalProperties', 'definitions', '$defs'];
const ANNOTATIONS = ['$id', 'id', '$comment', 'title', 'description', 'examples', 'default', 'deprecated'];
const MAX_REFERENCES = 8;

/**
 * Narrows a schema to what MCP lets a form be: a flat object of texts, numbers, booleans and choices
 * (SEP-1034, SEP-1330). Bounds that a form has no words for, such as a pattern, are left out; whoever
 * asks has to check the answer in any case.
 *
 * @param jsonSchema - with an object at its root.
 * @throws Error that names the field that cannot be part of a form.
 */
export function toForm(jsonSchema: JSONSchema7): JsonObject {
  const strange = Object.keys(jsonSchema).find(
    keyword => !ROOT_KEYWORDS.includes(keyword) && !ANNOTATIONS.includes(keyword),
  );
  const { additionalProperties } = jsonSchema;
  if (strange !== undefined || (typeof additionalProperties === 'object' && Object.keys(additionalProperties).length)) {
    throw new Error(
      `A form is an object of named fields, and cannot have "${strange ?? 'additionalProperties'}" at its root`,
    );
  }
  const properties = Object.entries(jsonSchema.properties ?? {}).map(([name, field]): [string, JsonObject] => [
    name,
    toField(name, resolve(field, jsonSchema)),
  ]);
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    ...(jsonSchema.required?.length && { required: jsonSchema.required }),
  };
}

function toField(name: string, schema: JSONSchema7): JsonObject {
  const { title, description } = schema;
  const field =
    choiceOf(schema) ??
    (schema.type === 'string' && schema.const === undefined
      ? textOf(schema)
      : schema.type === 'number' || schema.type === 'integer'
        ? numberOf(schema)
        : schema.type === 'boolean'
          ? { type: 'boolean' }
          : schema.type === 'array'
            ? listOf(schema)
            : undefined);
  if (!field) {
    throw new Error(
      `The field "${name}" cannot be part of a form: expected a text, a number, a boolean, a choice of texts or a list of such choices, got ${describe(schema)}`,
    );
  }
  return {
    ...field,
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    ...(schema.default !== undefined && { default: schema.default as JsonObject[string] }),
  };
}

function textOf({ minLength, maxLength, format }: JSONSchema7): JsonObject {
  return {
    type: 'string',
    ...(minLength !== undefined && { minLength }),
    ...(maxLength !== undefined && { maxLength }),
    ...(format !== undefined && FORMATS.includes(format) && { format }),
  };
}

function numberOf({ type, enum: values, const: only, minimum, maximum }: JSONSchema7): JsonObject | undefined {
  if (values || only !== undefined) {
    return undefined;
  }
  return {
    type: type as 'number' | 'integer',
    // What zod says of every integer is no bound that a person should read.
    ...(minimum !== undefined && minimum !== Number.MIN_SAFE_INTEGER && { minimum }),
    ...(maximum !== undefined && maximum !== Number.MAX_SAFE_INTEGER && { maximum }),
  };
}

/** One of several texts, with or without titles. */
function choiceOf(schema: JSONSchema7): JsonObject | undefined {
  const titled = titledOf(schema);
  if (titled) {
    return { type: 'string', oneOf: titled };
  }
  const values = schema.enum ?? (schema.const === undefined ? undefined : [schema.const]);
  if (schema.type !== 'string' || !values?.every(value => typeof value === 'string')) {
    return undefined;
  }
  const { enumNames } = schema as { enumNames?: unknown };
  return {
    type: 'string',
    enum: values,
    ...(Array.isArray(enumNames) && enumNames.every(name => typeof name === 'string') && { enumNames }),
  };
}

/** Several of several texts. */
function listOf({ items, minItems, maxItems }: JSONSchema7): JsonObject | undefined {
  if (typeof items !== 'object' || Array.isArray(items)) {
    return undefined;
  }
  const titled = titledOf(items);
  const choice = titled ? { anyOf: titled } : choiceOf(items);
  return (
    choice && {
      type: 'array',
      items: choice,
      ...(minItems !== undefined && { minItems }),
      ...(maxItems !== undefined && { maxItems }),
    }
  );
}

function titledOf({ oneOf, anyOf }: JSONSchema7): JsonObject[] | undefined {
  const choices = oneOf ?? anyOf;
  if (!choices?.every(choice => typeof choice === 'object' && typeof choice.const === 'string')) {
    return undefined;
  }
  return (choices as JSONSchema7[]).map(choice => ({
    const: choice.const as string,
    title: choice.title ?? (choice.const as string),
  }));
}

function resolve(given: JSONSchema7 | boolean, root: JSONSchema7): JSONSchema7 {
  let schema: JSONSchema7 = typeof given === 'object' ? given : {};
  for (let depth = 0; depth < MAX_REFERENCES && schema.$ref !== undefined; depth += 1) {
    const { $ref, ...rest } = schema;
    const [, place, name] = $ref.match(/^#\/(definitions|\$defs)\/([^/]+)$/) ?? [];
    const definitions = place && (root[place as 'definitions'] as JSONSchema7['definitions']);
    const found = definitions && name && Object.hasOwn(definitions, name) ? definitions[name] : undefined;
    schema = { ...(typeof found === 'object' ? found : {}), ...rest };
  }
  return schema;
}

function describe({ type, anyOf, oneOf, enum: values, const: only }: JSONSchema7): string {
  if (values || only !== undefined) {
    return 'values that are not all texts';
  }
  if (anyOf || oneOf) {
    return 'a union';
  }
  return type === undefined ? 'a schema without a type' : `the type ${[type].flat().join(' or ')}`;
}
