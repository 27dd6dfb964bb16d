import type { TextView } from '@callboard/actions-api';
import { describe, expect, it } from 'vitest';
import { renderText } from './renderText.js';

describe('a text view', () => {
  it('that is a table is one in Markdown, whatever stands in its cells', () => {
    const text = renderText({
      kind: 'table',
      title: 'Pods',
      columns: ['name', { key: 'labels', title: 'Labels' }, 'note'],
      rows: [
        { name: 'a|b', labels: { app: 'x', of: [1, 2] }, note: 'two\nlines\r\nthree' },
        { name: 'back\\|slash', note: null },
        { name: true, labels: 0, other: 'is no column' },
      ],
    });

    expect(text.split('\n')).toEqual([
      'Pods',
      '',
      '| name | Labels | note |',
      '| --- | --- | --- |',
      '| a\\|b | {"app":"x","of":[1,2]} | two<br>lines<br>three |',
      '| back\\\\\\|slash |  |  |',
      '| true | 0 |  |',
    ]);
  });

  it('takes nothing from the prototype of a row', () => {
    expect(renderText({ kind: 'table', columns: ['constructor', '__proto__'], rows: [{}] })).toContain('|  |  |');
  });

  it('that has keys and values is a list', () => {
    const text = renderText({
      kind: 'keyValue',
      entries: { name: 'checkout', tags: ['a'], gone: undefined, 'two\nlines': 'x\ny' },
    });

    expect(text.split('\n')).toEqual([
      '- **name**: checkout',
      '- **tags**: ["a"]',
      '- **gone**: ',
      '- **two<br>lines**: x<br>y',
    ]);
  });

  it('that is Markdown stays as it is', () => {
    expect(renderText({ kind: 'markdown', text: '# One | two\n' })).toBe('# One | two\n');
  });

  it.each([
    undefined,
    null,
    'text',
    {},
    { kind: 'html', text: '' },
    { kind: 'markdown' },
    { kind: 'table', columns: [], rows: [] },
    { kind: 'table', columns: ['a'], rows: ['no row'] },
    { kind: 'keyValue', entries: 'none' },
    Promise.resolve({ kind: 'markdown', text: '' }),
  ])('that is none is refused: %j', view => {
    expect(() => renderText(view as TextView)).toThrow('expected a table, keyValue or markdown');
  });
});
