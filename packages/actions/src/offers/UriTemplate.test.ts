import { describe, expect, it } from 'vitest';
import { findUriProblem, UriTemplate } from './UriTemplate.js';

function template(text: string): UriTemplate {
  const parsed = UriTemplate.parse(text);
  if (!(parsed instanceof UriTemplate)) {
    throw new Error(parsed.problem);
  }
  return parsed;
}

describe('a template', () => {
  it.each([
    ['todo://items/{id}', 'todo://items/a1', { id: 'a1' }],
    ['todo://items/{id}', 'todo://items/caf%C3%A9%20au%20lait', { id: 'café au lait' }],
    ['todo://items/{id}', "todo://items/it's", { id: "it's" }],
    ['todo://items/{id}', 'todo://items/it%27s', { id: "it's" }],
    ['todo://items/{id}', 'todo://items/a%3Fb%23c', { id: 'a?b#c' }],
    ['todo://items/{id}', 'todo://items/100%25', { id: '100%' }],
    ['todo://items/{id}.json', 'todo://items/a.json.json', { id: 'a.json' }],
    ['repo://{owner}/{name}@{ref}', 'repo://ada/engine@v1.0', { owner: 'ada', name: 'engine', ref: 'v1.0' }],
    ['todo:{id}', 'todo:x', { id: 'x' }],
  ])('%s stands for %s', (text, uri, values) => {
    expect(template(text).match(uri)).toEqual(values);
  });

  it.each([
    ['nothing', 'todo://items/'],
    ['a slash', 'todo://items/a/b'],
    ['a slash in disguise', 'todo://items/a%2Fb'],
    ['a backslash', 'todo://items/a%5Cb'],
    ['the folder above', 'todo://items/..'],
    ['the folder above in disguise', 'todo://items/%2E%2E'],
    ['the folder itself', 'todo://items/.'],
    ['a query', 'todo://items/a?b=c'],
    ['a fragment', 'todo://items/a#b'],
    ['NUL', 'todo://items/a%00'],
    ['a line end', 'todo://items/a%0Ab'],
    ['a C1 control character', 'todo://items/%C2%85'],
    ['bytes that are not UTF-8', 'todo://items/%FF'],
    ['an overlong encoding of a slash', 'todo://items/%C0%AF'],
    ['a letter that needs no encoding', 'todo://items/%61'],
    ['an encoding in small letters', 'todo://items/caf%c3%a9'],
    ['half an encoding', 'todo://items/a%2'],
    ['a letter that needs encoding', 'todo://items/café'],
    ['another beginning', 'Todo://items/a'],
    ['too much', `todo://items/${'a'.repeat(2_048)}`],
  ])('does not take %s for a value', (_what, uri) => {
    expect(template('todo://items/{id}').match(uri)).toBeUndefined();
  });

  it('takes the characters of patterns for what they are', () => {
    expect(template('a://x.(y)+z/{id}').match('a://xa(y)+z/1')).toBeUndefined();
    expect(template('a://x.(y)+z/{id}').match('a://x.(y)+z/1')).toEqual({ id: '1' });
  });

  it('is the same as another whose variables have other names, and tells how much of it is fixed', () => {
    expect(template('todo://items/{id}').shape).toBe(template('todo://items/{name}').shape);
    expect(template('todo://items/{id}').shape).not.toBe(template('todo://{items}/{id}').shape);
    expect(template('todo://items/{id}').fixedCharacters).toBe(13);
  });

  it('has values under names that objects have by themselves', () => {
    const values = template('a://{__proto__}/{constructor}').match('a://x/y');

    expect(Object.entries(values ?? {})).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
  });

  it('takes time in proportion to the URI, even for one that almost matches', () => {
    const text = `a://${Array.from({ length: 8 }, (_, index) => `{v${index}}-x/`).join('')}end`;
    const almost = `a://${'-x-x-x-x/'.repeat(8)}${'-x'.repeat(900)}`;

    const startedAt = performance.now();
    for (let attempt = 0; attempt < 200; attempt += 1) {
      expect(template(text).match(almost)).toBeUndefined();
    }

    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  it.each([
    ['todo://items', 'at least one variable'],
    ['todo://items/{+path}', 'RFC 6570, level 1'],
    ['todo://items/{id*}', 'RFC 6570, level 1'],
    ['todo://items/{}', 'RFC 6570, level 1'],
    ['todo://items{?q}', 'RFC 6570, level 1'],
    ['todo://{id}/{id}', 'every variable once'],
    ['{scheme}://x', 'absolute URI'],
    ['items/{id}', 'absolute URI'],
    ['todo://items/{id', 'at least one variable'],
    ['todo://items/{id}}', 'absolute URI'],
    ['todo://items/ {id}', 'absolute URI'],
    ['todo://items/{a}{b}', 'between two variables'],
    ['todo://items/{a}-{b}', 'between two variables'],
    [undefined, 'expected text'],
    [`todo://${'a'.repeat(2_048)}{id}`, 'at most 2048'],
  ])('%s is none', (text, problem) => {
    expect(UriTemplate.parse(text)).toEqual({ problem: expect.stringContaining(problem) });
  });
});

describe('a URI', () => {
  it.each(['todo://board', 'urn:isbn:123', 'https://example.com/a?b=c#d', 'a+b.c-d:x'])('%s is one', uri => {
    expect(findUriProblem(uri)).toBeUndefined();
  });

  it.each(['board', '//board', 'todo:', 'TODO://x', 'todo://a b', 'todo://{id}', 'todo://%zz', 'todo://é', 7, ''])(
    '%s is none',
    uri => {
      expect(findUriProblem(uri)).toContain('expected an absolute URI');
    },
  );
});
