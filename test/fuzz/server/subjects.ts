import type { JsonObject } from '@backstage/types';
import type { ActionEffect } from '@callboard/actions-api';
import fc from 'fast-check';
import * as z from 'zod';

/** An action of the backend under test, and what is known of it without asking the product. */
export interface Subject {
  readonly plugin: 'stage' | 'lights';
  readonly name: string;
  readonly schema: z.ZodType;
  readonly input: fc.Arbitrary<JsonObject>;
  /** What it tells the registry of itself. */
  readonly says: {
    readonly effect?: ActionEffect | ((input: { as: ActionEffect }) => ActionEffect);
    readonly attributes?: {
      readonly readOnly?: boolean;
      readonly destructive?: boolean;
      readonly idempotent?: boolean;
    };
    readonly capability?: string;
  };
  /** Its class; `as` if the member of that name of the input says it. */
  readonly class: ActionEffect | 'as';
  /** The least that a client's token must be good for, whatever the input. */
  readonly scope: 'read' | 'write' | 'destructive';
  readonly capability: string;
  /** Throws instead of answering. */
  readonly fails?: boolean;
}

export const effects: readonly ActionEffect[] = ['read', 'create', 'update', 'replace', 'delete', 'execute'];

const scopeOfEffect = {
  read: 'read',
  create: 'write',
  update: 'write',
  replace: 'destructive',
  delete: 'destructive',
  execute: 'destructive',
} as const;

const keyed = z.strictObject({
  key: z.string().max(64),
  count: z.int().min(0).max(100).default(1),
  tags: z.array(z.string().max(8)).max(5).optional(),
});
const someKey = fc.constantFrom('a', 'b', 'é', '🎭', 'constructor', '__proto__', ' ', 'x'.repeat(64));
const keyedInput = fc.record(
  {
    key: someKey,
    count: fc.integer({ min: 0, max: 100 }),
    tags: fc.array(fc.constantFrom('x', 'y'), { maxLength: 5 }),
  },
  { requiredKeys: ['key'] },
) as fc.Arbitrary<JsonObject>;

type Tree = { key: string; children?: Tree[] | undefined };
const tree: z.ZodType<Tree> = z.strictObject({
  key: z.string().max(64),
  get children() {
    return z.array(tree).max(3).optional();
  },
});

const simple = { schema: keyed, input: keyedInput };
const ofEffects: Subject[] = effects.map(effect => ({
  ...simple,
  plugin: 'stage',
  name: `${effect}-it`,
  says: { effect },
  class: effect,
  scope: scopeOfEffect[effect],
  capability: effect === 'read' ? 'actions:read' : 'actions:write',
}));

const ofRead = { says: { effect: 'read' }, class: 'read', scope: 'read', capability: 'actions:read' } as const;
const ofUpdate = { says: { effect: 'update' }, class: 'update', scope: 'write', capability: 'actions:write' } as const;

/** Every class, stated, computed and left unsaid, behind schemas of every kind. */
export const subjects: readonly Subject[] = [
  ...ofEffects,
  {
    plugin: 'lights',
    name: 'by-input',
    schema: z.object({ key: z.string().max(64), as: z.enum(effects as ['read']) }),
    input: fc.record({ key: someKey, as: fc.constantFrom(...effects) }) as fc.Arbitrary<JsonObject>,
    says: { effect: input => input.as },
    class: 'as',
    scope: 'destructive',
    capability: 'actions:write',
  },
  {
    ...simple,
    plugin: 'lights',
    name: 'unlabelled',
    says: {},
    class: 'delete',
    scope: 'destructive',
    capability: 'actions:write',
  },
  {
    ...simple,
    plugin: 'lights',
    name: 'only-reads',
    says: { attributes: { readOnly: true } },
    class: 'read',
    scope: 'read',
    capability: 'actions:read',
  },
  {
    ...simple,
    plugin: 'lights',
    name: 'again-and-again',
    says: { attributes: { destructive: false, idempotent: true } },
    class: 'update',
    scope: 'write',
    capability: 'actions:write',
  },
  {
    plugin: 'lights',
    name: 'loose',
    schema: z.looseObject({ key: z.string().max(64) }),
    input: keyedInput,
    ...ofRead,
  },
  {
    plugin: 'lights',
    name: 'either',
    schema: z.strictObject({
      key: z.string(),
      is: z.discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('text'), text: z.string().regex(/^[a-z ]*$/) }),
        z.strictObject({ kind: z.literal('number'), number: z.number().min(-1e6).max(1e6).nullable() }),
      ]),
    }),
    input: fc.record({
      key: someKey,
      is: fc.oneof(
        fc.record({ kind: fc.constant('text'), text: fc.constantFrom('', 'a b') }),
        fc.record({ kind: fc.constant('number'), number: fc.constantFrom(null, 1.5, -3) }),
      ),
    }) as fc.Arbitrary<JsonObject>,
    ...ofUpdate,
  },
  {
    plugin: 'lights',
    name: 'tree',
    schema: tree,
    input: fc.letrec<{ tree: JsonObject }>(tie => ({
      tree: fc.oneof(
        { maxDepth: 3 },
        fc.record({ key: someKey }),
        fc.record({ key: someKey, children: fc.array(tie('tree'), { maxLength: 3 }) }),
      ) as fc.Arbitrary<JsonObject>,
    })).tree,
    ...ofRead,
  },
  {
    plugin: 'lights',
    name: 'table',
    schema: z.strictObject({ key: z.string(), cells: z.record(z.string().regex(/^[a-z]{1,8}$/), z.number()) }),
    input: fc.record({
      key: someKey,
      cells: fc.dictionary(fc.constantFrom('a', 'b', 'total'), fc.integer()),
    }) as fc.Arbitrary<JsonObject>,
    ...ofUpdate,
  },
  {
    plugin: 'lights',
    name: 'trims',
    schema: z.strictObject({ key: z.string(), title: z.string().trim().min(1).max(20).default('untitled') }),
    input: fc.record(
      { key: someKey, title: fc.constantFrom(' a ', 'b') },
      { requiredKeys: ['key'] },
    ) as fc.Arbitrary<JsonObject>,
    ...ofUpdate,
  },
  {
    ...simple,
    plugin: 'lights',
    name: 'decide',
    says: { effect: 'execute', capability: 'approvals:decide' },
    class: 'execute',
    scope: 'destructive',
    capability: 'approvals:decide',
  },
  {
    ...simple,
    plugin: 'lights',
    name: 'writes-reports',
    says: { effect: 'update', capability: 'audit:read' },
    class: 'update',
    scope: 'write',
    capability: 'audit:read',
  },
  {
    ...simple,
    plugin: 'lights',
    name: 'in-regions',
    schema: keyed.extend({ region: z.string().max(20).meta({ 'x-mcp-header': 'Region' }).optional() }),
    ...ofRead,
  },
  { ...simple, plugin: 'lights', name: 'fails', ...ofRead, fails: true },
  { ...simple, plugin: 'lights', name: 'filtered-out', ...ofRead },
];

export const idOf = ({ plugin, name }: Subject) => `${plugin}:${name}`;
export const toolOf = ({ plugin, name }: Subject) => `${plugin}.${name}`;

const byId = new Map(subjects.map(subject => [idOf(subject), subject]));

/** @throws Error if there is none. */
export function getSubject(id: string): Subject {
  const subject = byId.get(id);
  if (!subject) {
    throw new Error(`There is no action ${id}`);
  }
  return subject;
}
