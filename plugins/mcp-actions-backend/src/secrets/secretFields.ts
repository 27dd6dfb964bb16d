import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import type { JsonObject, JsonValue } from '@backstage/types';

type SecretsSchema = NonNullable<ActionsServiceAction['schema']['secrets']>;
type PropertySchema = NonNullable<SecretsSchema['properties']>[string];
type ValueSchema = Exclude<PropertySchema, boolean>;

/** With more of them, a person enters JSON. */
const MAX_FIELDS = 50;
const MAX_REFERENCES = 8;

/** One field of the form in which a person enters secrets. */
export interface SecretField {
  /** In the form; names of properties could be anything. */
  readonly input: string;
  /** The property; absent if the field is for all secrets together. */
  readonly property?: string;
  readonly label: string;
  readonly description?: string;
  /** `lines`: text of several lines, such as a key; `json`: what no simple field can take. */
  readonly kind: 'text' | 'lines' | 'number' | 'choice' | 'json';
  readonly isRequired: boolean;
  /** What an empty field stands for. */
  readonly whenEmpty: null | undefined;
  readonly choices: readonly JsonValue[];
}

/** What came of reading a form: the secrets, or what is wrong with which field, without the values. */
export type ReadSecrets = { secrets: JsonObject } | { problems: ReadonlyMap<string, string> };

/** The fields in which secrets of a schema can be entered, in the schema's order. */
export function fieldsOfSecrets(schema: SecretsSchema): SecretField[] {
  const properties = Object.entries(schema.properties ?? {});
  if (properties.length === 0 || properties.length > MAX_FIELDS) {
    return [
      {
        input: 'all',
        label: 'Secrets',
        kind: 'json',
        isRequired: true,
        whenEmpty: undefined,
        choices: [],
        ...(schema.description !== undefined && { description: schema.description }),
      },
    ];
  }
  return properties.map(([property, given], index) => {
    const { value, isNullable } = resolve(given, schema);
    const outer = typeof given === 'object' ? given : {};
    const isRequired = schema.required?.includes(property) ?? false;
    const description = outer.description ?? value.description;
    return {
      input: `field${index}`,
      property,
      label: outer.title ?? value.title ?? property,
      ...(description !== undefined && { description }),
      ...kindOf(value),
      isRequired: isRequired && !isNullable,
      whenEmpty: isRequired && isNullable ? null : undefined,
    };
  });
}

/** @param read - the text of a field of the form; empty if there is none. */
export function readSecrets(fields: readonly SecretField[], read: (input: string) => string): ReadSecrets {
  const problems = new Map<string, string>();
  const members: [string, JsonValue][] = [];
  let whole: JsonObject | undefined;
  for (const field of fields) {
    const text = read(field.input);
    if (text === '') {
      if (field.isRequired) {
        problems.set(field.input, 'This is required.');
      } else if (field.whenEmpty === null) {
        members.push([field.property ?? '', null]);
      }
      continue;
    }
    const value = readValue(field, text);
    if (value === undefined) {
      problems.set(field.input, expectations[field.kind]);
    } else if (field.property !== undefined) {
      members.push([field.property, value]);
    } else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      whole = value as JsonObject;
    } else {
      problems.set(field.input, 'Expected a JSON object.');
    }
  }
  return problems.size > 0 ? { problems } : { secrets: whole ?? Object.fromEntries(members) };
}

/**
 * What a schema has found wrong, by field; what concerns no single one is at ''.
 *
 * @param entered - what a message repeats of it is not passed on.
 */
export function problemsByField(
  fields: readonly SecretField[],
  issues: readonly { path: readonly string[]; message: string }[],
  entered: JsonObject,
): ReadonlyMap<string, string> {
  const isWhole = fields.some(({ property }) => property === undefined);
  const texts = (isWhole ? [entered] : Object.values(entered)).flatMap(textsIn).filter(text => text !== '');
  const problems = new Map<string, string>();
  for (const { path, message } of issues) {
    const input = fields.find(({ property }) => property !== undefined && property === path[0])?.input ?? '';
    const shown = texts.some(text => message.includes(text)) ? 'This is not accepted.' : message;
    const earlier = problems.get(input);
    problems.set(input, earlier === undefined || earlier === shown ? shown : `${earlier} ${shown}`);
  }
  return problems;
}

const expectations: Record<SecretField['kind'], string> = {
  text: 'Expected text.',
  lines: 'Expected text.',
  number: 'Expected a number.',
  choice: 'Expected one of the choices.',
  json: 'Expected JSON.',
};

function readValue({ kind, choices }: SecretField, text: string): JsonValue | undefined {
  switch (kind) {
    case 'text':
      return text;
    case 'lines':
      // Browsers send every line end as two characters.
      return text.replace(/\r\n/g, '\n');
    case 'number': {
      const number = /^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$/.test(text) ? Number(text) : Number.NaN;
      return Number.isFinite(number) ? number : undefined;
    }
    case 'choice':
      return /^\d{1,4}$/.test(text) ? choices[Number(text)] : undefined;
    case 'json':
      try {
        return JSON.parse(text);
      } catch {
        return undefined;
      }
  }
}

function kindOf(schema: ValueSchema): Pick<SecretField, 'kind' | 'choices'> {
  const choices = schema.enum ?? (schema.const === undefined ? undefined : [schema.const]);
  if (choices) {
    return { kind: 'choice', choices: choices as JsonValue[] };
  }
  switch (schema.type) {
    case 'string':
      return { kind: schema.contentMediaType === undefined ? 'text' : 'lines', choices: [] };
    case 'number':
    case 'integer':
      return { kind: 'number', choices: [] };
    case 'boolean':
      return { kind: 'choice', choices: [true, false] };
    default:
      return { kind: 'json', choices: [] };
  }
}

/** Follows references within the schema, and takes `null` out of what may be null. */
function resolve(given: PropertySchema, root: SecretsSchema): { value: ValueSchema; isNullable: boolean } {
  let value: ValueSchema = typeof given === 'object' ? given : {};
  let isNullable = false;
  for (let depth = 0; depth < MAX_REFERENCES; depth += 1) {
    const [, key, name] = /^#\/(definitions|\$defs)\/([^/]+)$/.exec(value.$ref ?? '') ?? [];
    const alternatives = (value.anyOf ?? value.oneOf ?? []).filter(
      alternative => typeof alternative === 'object' && alternative.type !== 'null',
    );
    const types = Array.isArray(value.type) ? value.type.filter(type => type !== 'null') : [];
    let next: PropertySchema | undefined;
    if (key !== undefined && name !== undefined) {
      next = (root as Record<string, Record<string, PropertySchema> | undefined>)[key]?.[name];
    } else if (alternatives.length === 1) {
      isNullable ||= (value.anyOf ?? value.oneOf ?? []).length > 1;
      next = alternatives[0];
    } else if (types.length === 1) {
      isNullable ||= (value.type as unknown[]).length > 1;
      next = { ...value, type: types[0] as NonNullable<ValueSchema['type']> };
    }
    if (typeof next !== 'object') {
      break;
    }
    value = next;
  }
  return { value, isNullable };
}

/** Texts and numbers that somebody has entered, and names within them. */
function textsIn(value: JsonValue | undefined): string[] {
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([key, member]) => [
      ...(Array.isArray(value) ? [] : [key]),
      ...textsIn(member),
    ]);
  }
  return typeof value === 'string' || typeof value === 'number' ? [String(value)] : [];
}
