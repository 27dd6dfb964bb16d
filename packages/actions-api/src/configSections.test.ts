import { ConfigReader } from '@backstage/config';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { checkConfigSections, readConfigSection } from './configSections.js';

const limits = {
  key: 'limits',
  schema: z.strictObject({
    most: z.int().min(1).default(5),
    on: z.boolean().default(false),
    name: z.string().optional(),
    nested: z.strictObject({ list: z.array(z.number()) }).optional(),
    token: z.string().min(16).optional(),
  }),
};
const keys = { key: 'keys', schema: z.record(z.string().regex(/^[a-z]+$/, 'expected lower case letters'), z.number()) };
const read = (config: object) => readConfigSection(new ConfigReader({ limits: config } as never), limits);

describe('a section of the configuration', () => {
  it('has its defaults where nothing is said', () => {
    expect(readConfigSection(new ConfigReader({}), limits)).toEqual({ most: 5, on: false });
  });

  it('may say numbers and switches as text, as variables in files do', () => {
    expect(read({ most: '7', on: 'true', name: '12', nested: { list: [1, '2.5'] } })).toEqual({
      most: 7,
      on: true,
      name: '12',
      nested: { list: [1, 2.5] },
    });
  });

  it.each([
    [{ most: 'many' }, 'limits.most: expected number, got "many"'],
    [{ most: '0' }, 'limits.most: Too small: expected number to be >=1, got 0'],
    [{ on: 'yes' }, 'limits.on: expected boolean, got "yes"'],
    [{ mots: 1 }, 'limits.mots: there is no such key'],
    [{ nested: {} }, 'limits.nested.list: expected array, got nothing'],
    [{ token: 'abc' }, 'limits.token: Too small: expected string to have >=16 characters, got ***'],
  ])('refuses %j', (config, message) => {
    expect(() => read(config)).toThrow(message);
  });
});

describe('all sections', () => {
  it('are checked together, each once', () => {
    const config = new ConfigReader({ limits: { mots: 1, most: 0 }, keys: { Upper: 1 } });

    const check = () => checkConfigSections(config, [limits, keys, limits]);

    expect(check).toThrow(
      [
        'Wrong configuration:',
        '  limits.most: Too small: expected number to be >=1, got 0',
        '  limits.mots: there is no such key',
        '  keys.Upper: expected lower case letters',
      ].join('\n'),
    );
  });
});
