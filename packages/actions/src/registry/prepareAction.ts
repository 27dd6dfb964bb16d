import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import { toError } from '@backstage/errors';
import type { BasicPermission } from '@backstage/plugin-permission-common';
import {
  type ActionContext,
  type ActionEffect,
  type ActionPreview,
  actionEffects,
  type CapableAction,
  type ClassedAction,
  type ContentBlock,
  type NamedAction,
  type TextView,
} from '@callboard/actions-api';
import type { JSONSchema7 } from 'json-schema';
import type { VisibleAction } from '../catalogue/VisibleAction.js';
import type { CompletionRequest, OfferContext } from '../offers/completions.js';
import { type CompiledSchema, compileSchema, type GivenSchema, type SchemaSide } from './compileSchema.js';

/** What `register` is given, seen without its type parameters. */
export interface GivenAction {
  name: string;
  title: string;
  description: string;
  schema: { input?: GivenSchema; output?: GivenSchema; secrets?: GivenSchema };
  examples?: ActionsServiceAction['examples'];
  visibilityPermission?: BasicPermission;
  attributes?: { destructive?: boolean; idempotent?: boolean; readOnly?: boolean };
  effect?: ActionEffect | ((input: unknown) => ActionEffect | Promise<ActionEffect>);
  capability?: string;
  toolName?: string;
  timeoutSeconds?: number;
  textView?(output: unknown): TextView;
  preview?(context: ActionContext<unknown, unknown>): Promise<ActionPreview>;
  action(context: ActionContext<unknown, unknown>): Promise<{ output?: unknown; content?: ContentBlock[] } | undefined>;
}

/** An action with its schemas converted and its validators made, once. */
export interface RegisteredAction {
  readonly descriptor: ActionsServiceAction;
  readonly visibilityPermission: BasicPermission | undefined;
  readonly checks: NonNullable<VisibleAction['checks']>;
  readonly effect: VisibleAction['effect'];
  readonly preview: GivenAction['preview'];
  readonly textView: GivenAction['textView'];
  readonly timeoutSeconds: number | undefined;
  readonly handler: GivenAction['action'];
  /** Of prompts and resources with a template. */
  readonly complete?: (
    request: CompletionRequest,
    context: OfferContext,
  ) => ReturnType<NonNullable<VisibleAction['complete']>>;
  /** Of resources with a template. */
  readonly listInstances?: (
    signal: AbortSignal,
    context: OfferContext,
  ) => ReturnType<NonNullable<VisibleAction['listInstances']>>;
}

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const CAPABILITY = /^[a-z][a-z0-9-]*:[a-z][a-z0-9-]*$/;
const DESCRIPTION_MAX_CHARACTERS = 16_384;
// Control characters but tab and line ends; zero-width (but joiners, which scripts and emoji need),
// bidirectional and tag characters: text that a person who reviews an action cannot see, but a model reads.
const INVISIBLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding these is the purpose
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]|[\u{e0000}-\u{e007f}]/u;

/** @returns the action, or all that keeps it from being published. */
export function prepareAction(pluginId: string, given: GivenAction): RegisteredAction | { problems: string[] } {
  if (given === null || typeof given !== 'object') {
    return {
      problems: [`expected an object that describes the action, got ${given === null ? 'null' : typeof given}`],
    };
  }
  const problems: string[] = [];
  const check = (ok: boolean, problem: string) => ok || problems.push(problem);

  check(
    typeof given.name === 'string' && NAME.test(given.name),
    `name: expected 1 to 128 letters, digits, "_", "-" or ".", not starting with "-" or ".", got ${quote(given.name)}`,
  );
  for (const field of ['title', 'description'] as const) {
    const text: unknown = given[field];
    check(typeof text === 'string', `${field}: expected text, got ${typeof text}`);
    if (typeof text === 'string') {
      check(
        text.length <= DESCRIPTION_MAX_CHARACTERS,
        `${field}: expected at most ${DESCRIPTION_MAX_CHARACTERS} characters, got ${text.length}`,
      );
      const at = text.search(INVISIBLE);
      check(at < 0, `${field}: has invisible or control characters: ${quote(text.slice(Math.max(0, at - 40)))}`);
    }
  }
  check(
    given.effect === undefined || typeof given.effect === 'function' || actionEffects.includes(given.effect),
    `effect: expected one of ${actionEffects.join(', ')} or a function, got ${quote(given.effect)}`,
  );
  check(
    given.effect === undefined || given.effect === 'read' || given.attributes?.readOnly !== true,
    `effect: an action with the attribute readOnly can only read, got ${typeof given.effect === 'function' ? 'a function' : quote(given.effect)}`,
  );
  check(
    given.effect !== 'read' || (given.attributes?.readOnly !== false && given.attributes?.destructive !== true),
    'effect: an action whose attributes say that it changes something does not only read, got "read"',
  );
  check(
    given.capability === undefined || (typeof given.capability === 'string' && CAPABILITY.test(given.capability)),
    `capability: expected something like "reports:write", got ${quote(given.capability)}`,
  );
  check(
    given.preview === undefined || typeof given.preview === 'function',
    `preview: expected a function, got ${typeof given.preview}`,
  );
  check(
    given.toolName === undefined || (typeof given.toolName === 'string' && NAME.test(given.toolName)),
    `toolName: expected 1 to 128 letters, digits, "_", "-" or ".", not starting with "-" or ".", got ${quote(given.toolName)}`,
  );
  check(
    given.timeoutSeconds === undefined || isTimeout(given.timeoutSeconds),
    `timeoutSeconds: expected a number from 0.1 to 86400, got ${quote(given.timeoutSeconds)}`,
  );
  check(
    given.textView === undefined || typeof given.textView === 'function',
    `textView: expected a function, got ${typeof given.textView}`,
  );
  check(typeof given.action === 'function', `action: expected a function, got ${typeof given.action}`);

  const compile = (field: 'input' | 'output' | 'secrets', side: SchemaSide): CompiledSchema | undefined => {
    const schema = given.schema?.[field];
    if (schema === undefined) {
      return undefined;
    }
    try {
      return compileSchema(schema, side);
    } catch (error) {
      problems.push(`schema.${field}: ${toError(error).message}`);
      return undefined;
    }
  };
  const input = compile('input', 'input') ?? NO_INPUT;
  const output = compile('output', 'output') ?? ANY_OUTPUT;
  const secrets = compile('secrets', 'input');

  if (problems.length > 0) {
    return { problems };
  }
  const { readOnly, destructive, idempotent } = attributesOf(given);
  const descriptor = {
    id: `${pluginId}:${given.name}`,
    pluginId,
    name: given.name,
    title: given.title,
    description: given.description,
    schema: {
      input: input.jsonSchema,
      output: output.jsonSchema,
      ...(secrets && { secrets: secrets.jsonSchema }),
    },
    ...(given.examples && { examples: given.examples }),
    attributes: { readOnly, destructive, idempotent },
    ...(given.effect && { effect: typeof given.effect === 'function' ? 'by-input' : given.effect }),
    ...(given.capability && { capability: given.capability }),
    ...(given.toolName && { toolName: given.toolName }),
  } satisfies ClassedAction & CapableAction & NamedAction;
  let published: ActionsServiceAction;
  try {
    // Later the descriptor is written with those of other actions, which one that fails would take along.
    published = JSON.parse(JSON.stringify(descriptor));
  } catch (error) {
    return { problems: [`cannot be written as JSON: ${toError(error).message}`] };
  }
  const schemaText = JSON.stringify(published.schema);
  const at = schemaText.search(INVISIBLE);
  if (at >= 0) {
    return {
      problems: [`schema: has invisible or control characters: ${quote(schemaText.slice(Math.max(0, at - 40)))}`],
    };
  }
  return {
    descriptor: published,
    visibilityPermission: given.visibilityPermission,
    checks: { input: input.parse, output: output.parse, ...(secrets && { secrets: secrets.parse }) },
    effect: typeof given.effect === 'function' ? given.effect : undefined,
    preview: given.preview && (context => given.preview?.(context) as Promise<ActionPreview>),
    textView: given.textView && (output => given.textView?.(output) as TextView),
    timeoutSeconds: given.timeoutSeconds,
    handler: async context => given.action(context),
  };
}

/** Those that are given, else what the stated effect implies; what states nothing counts as destructive. */
function attributesOf({ attributes = {}, effect }: GivenAction) {
  const readOnly = attributes.readOnly ?? effect === 'read';
  const isHarmless = readOnly || effect === 'create' || effect === 'update';
  return {
    readOnly,
    destructive: attributes.destructive ?? !isHarmless,
    idempotent: attributes.idempotent ?? false,
  };
}

const EMPTY_OBJECT: JSONSchema7 = {
  type: 'object',
  properties: {},
  additionalProperties: false,
  $schema: 'http://json-schema.org/draft-07/schema#',
};

// As upstream: without an input schema the handler is given none, without an output schema nothing is checked.
const NO_INPUT: CompiledSchema = { jsonSchema: EMPTY_OBJECT, parse: () => ({ ok: true, value: undefined }) };
const ANY_OUTPUT: CompiledSchema = { jsonSchema: EMPTY_OBJECT, parse: value => ({ ok: true, value }) };

function isTimeout(value: unknown): boolean {
  return typeof value === 'number' && value >= 0.1 && value <= 86_400;
}

/** A name that was given, as it can be written to a log: cut, with escapes for what cannot be seen. */
export function printableName(name: unknown): string {
  const quoted = quote(name);
  return typeof name === 'string' ? quoted.slice(1, -1) : quoted;
}

function quote(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : describe(value);
  return text.replace(INVISIBLE_GLOBAL, character => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

function describe(value: unknown): string {
  return value === null || typeof value !== 'object' ? String(value) : 'an object';
}

const INVISIBLE_GLOBAL = new RegExp(INVISIBLE.source, 'gu');
