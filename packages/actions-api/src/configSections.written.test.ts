import { ConfigReader } from '@backstage/config';
import type { JsonObject } from '@backstage/types';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { findConfigMistakes, readConfigSection } from './configSections.js';

const section = {
  key: 'limits',
  schema: z.strictObject({
    most: z.int().min(0).default(5),
    on: z.boolean().default(false),
    rates: z.strictObject({ perDay: z.number().optional() }).optional(),
  }),
};
const configOf = (limits: unknown) => new ConfigReader({ limits } as JsonObject);

test.each([
  ['007', 7],
  ['-0', -0],
  ['00', 0],
  ['12.0', 12],
])('the text %s is read as the number that it is', (text, number) => {
  expect(readConfigSection(configOf({ most: text, on: 'true' }), section)).toEqual({ most: number, on: true });
});

test.each(['0x10', '1e3', '1.', '.5', ' 7', '7 ', '--7', ''])('the text %j is no number', text => {
  expect(findConfigMistakes(configOf({ most: text }), [section])).toEqual([
    `limits.most: expected number, got ${JSON.stringify(text)}`,
  ]);
});

test('what is written under __proto__ is not there', () => {
  const limits = JSON.parse('{"__proto__": {"most": "9", "rates": {"perDay": "8"}}}');

  expect(findConfigMistakes(configOf(limits), [section])).toEqual([]);
  expect(readConfigSection(configOf(limits), section)).toEqual({ most: 5, on: false });
});
