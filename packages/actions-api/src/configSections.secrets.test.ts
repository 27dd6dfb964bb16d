import { ConfigReader } from '@backstage/config';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { findConfigMistakes } from './configSections.js';

const section = {
  key: 'portal',
  schema: z.strictObject({
    clients: z.array(z.strictObject({ name: z.string(), clientSecret: z.string() })).optional(),
    limits: z.strictObject({ perDay: z.int() }).optional(),
  }),
};
const client = { name: 'Board', clientSecret: 'hidden-from-everybody' };

test.each([
  [
    'an object in place of a list',
    { clients: client },
    'portal.clients: expected array, got {"name":"Board","clientSecret":"***"}',
  ],
  [
    'a list in place of a section',
    [{ clients: [client] }],
    'portal: expected object, got [{"clients":[{"name":"Board","clientSecret":"***"}]}]',
  ],
  [
    'a list in a list',
    { clients: [[client]] },
    'portal.clients.0: expected object, got [{"name":"Board","clientSecret":"***"}]',
  ],
  ['a list written as text', { clients: JSON.stringify([client]) }, 'portal.clients: expected array, got "…"'],
  [
    'a list in place of a secret',
    { clients: [{ ...client, clientSecret: [client.clientSecret] }] },
    'portal.clients.0.clientSecret: expected string, got ***',
  ],
  [
    'a place that is none',
    { limits: { perDay: { url: 'https://hooks.example/hidden' } } },
    'portal.limits.perDay: expected number, got {"url":"***"}',
  ],
])('a message about %s does not repeat what is in it', (_name, given, line) => {
  const mistakes = findConfigMistakes(new ConfigReader({ portal: given }), [section]);

  expect(mistakes).toHaveLength(1);
  expect(mistakes[0]).not.toContain('hidden');
  expect(mistakes[0]).toBe(line);
});

test('a message repeats a wrong value that is no secret', () => {
  const mistakes = findConfigMistakes(new ConfigReader({ portal: { limits: { perDay: 'many' } } }), [section]);

  expect(mistakes).toEqual(['portal.limits.perDay: expected number, got "many"']);
});
