import { createPermission } from '@backstage/plugin-permission-common';
import type { CallPolicy } from '@callboard/actions';
import {
  type ActionEffect,
  type ActionOptions,
  type ActionSchema,
  actionEffects,
  actionScopes,
  safetyModes,
} from '@callboard/actions-api';
import fc from 'fast-check';
import * as z from 'zod';

type PolicyOptions = ConstructorParameters<typeof CallPolicy>[0];

export const permissions = ['reports.see', 'stage.see', 'lights.see'].map(name =>
  createPermission({ name, attributes: { action: 'read' } }),
);
const capabilities = ['actions:read', 'actions:write', 'audit:read', 'approvals:decide', 'reports:write'];
export const people = ['user:default/ada', 'user:default/eve', 'user:crew/max'];
export const clients = ['https://client.example/one', 'two'];

const sometimes = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined, freq: 2 });

/** What an action says of itself, of all that a registry takes. */
export const actionArbitrary = fc
  .record({
    readOnly: sometimes(fc.boolean()),
    destructive: sometimes(fc.boolean()),
    idempotent: sometimes(fc.boolean()),
    effect: sometimes(fc.constantFrom<ActionEffect | 'by-input'>(...actionEffects, 'by-input', 'by-input')),
    capability: fc.option(fc.constantFrom(...capabilities), { nil: undefined, freq: 3 }),
    permission: fc.option(fc.constantFrom(...permissions), { nil: undefined, freq: 3 }),
  })
  // The registry refuses to publish what says of itself both that it only reads and that it does not.
  .filter(({ readOnly, effect }) => readOnly !== true || effect === undefined || effect === 'read');

export const inputOf = z.object({ as: z.enum(actionEffects) });

export function toAction(
  name: string,
  { effect, capability, permission, ...attributes }: typeof actionArbitrary extends fc.Arbitrary<infer T> ? T : never,
): ActionOptions<ActionSchema, ActionSchema> {
  return {
    name,
    title: name,
    description: name,
    schema: { input: inputOf, output: z.object({}) },
    attributes: Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined)),
    ...(effect && { effect: effect === 'by-input' ? (input: unknown) => inputOf.parse(input).as : effect }),
    ...(capability && { capability }),
    ...(permission && { visibilityPermission: permission }),
    action: async () => ({ output: {} }),
  };
}

/** A filter as configuration writes it, over ids such as `stage:a-17`. */
export const filterArbitrary = fc.record(
  {
    include: fc.array(ruleArbitrary(), { minLength: 1, maxLength: 3 }),
    exclude: fc.array(ruleArbitrary(), { maxLength: 2 }),
  },
  { requiredKeys: [] },
);

function ruleArbitrary() {
  return fc.record(
    {
      id: fc.constantFrom('stage:*', 'lights:*', '*:a-1*', '*:a-*[02468]', 'stage:a-*[13579]', '*:*'),
      attributes: fc.record(
        { destructive: fc.boolean(), readOnly: fc.boolean(), idempotent: fc.boolean() },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: ['id'] },
  );
}

const modeArbitrary = fc.constantFrom(...safetyModes);
const ownProfiles = ['own-one', 'own-two'];
const profileNameArbitrary = fc.constantFrom(
  'agent',
  'agent',
  'operator',
  'readonly',
  'admin',
  'admin',
  ...ownProfiles,
);

const callerRuleArbitrary = fc
  .record(
    {
      principal: fc.constantFrom('user:*', 'user:default/*', 'user:default/ada', 'service-*', '*', 'plugin:*'),
      client: fc.constantFrom('two', 'https://*', '*'),
      door: fc.constantFrom('mcp' as const, 'http' as const, 'in-process' as const),
      scope: fc.constantFrom(...actionScopes),
      mode: modeArbitrary,
      profile: profileNameArbitrary,
    },
    { requiredKeys: [] },
  )
  .filter(({ mode, profile }) => mode !== undefined || profile !== undefined);

/** All rules that configuration and plugins can make at once. */
export function rulesArbitrary(options: { actionIds: readonly string[]; serverKeys: readonly (string | undefined)[] }) {
  const ownProfile = fc.record(
    {
      capabilities: fc.array(fc.constantFrom('*', 'actions:*', 'reports:*', ...capabilities), {
        minLength: 1,
        maxLength: 4,
      }),
      filter: filterArbitrary,
    },
    { requiredKeys: ['capabilities'] },
  );
  return fc.record({
    mode: fc.oneof(
      { weight: 2, arbitrary: fc.constant('full_access' as const) },
      { weight: 3, arbitrary: modeArbitrary },
    ),
    profiles: fc
      .tuple(ownProfile, ownProfile)
      .map(
        profiles =>
          Object.fromEntries(ownProfiles.map((name, index) => [name, profiles[index]])) as PolicyOptions['profiles'],
      ),
    callers: fc.array(callerRuleArbitrary, { maxLength: 3 }),
    servers: fc.tuple(
      ...options.serverKeys.map(() => fc.record({ mode: sometimes(modeArbitrary), profile: profileNameArbitrary })),
    ),
    held: fc.subarray([...options.actionIds], { maxLength: 20 }),
    /** The profile to which a client narrows itself. */
    asked: sometimes(profileNameArbitrary),
    /** Permissions that the caller lacks. */
    lacking: fc.subarray(permissions.map(({ name }) => name)),
  });
}

/** Somebody with a token of some kind, or code in this process. */
export const callerArbitrary = fc.oneof(
  fc.record({ kind: fc.constant('service' as const), name: fc.constantFrom('service-one', 'service-two') }),
  fc.record({ kind: fc.constant('person' as const), name: fc.constantFrom(...people) }),
  fc.record({
    kind: fc.constant('grant' as const),
    name: fc.constantFrom(...people),
    clientId: fc.constantFrom(...clients),
    scopes: fc.subarray([...actionScopes]),
  }),
);
