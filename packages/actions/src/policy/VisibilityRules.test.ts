import { expect, test } from 'vitest';
import { listedAction } from '../testing/sourceServer.js';
import { VisibilityRules } from './VisibilityRules.js';

const holdingBack = (id: string, ...ids: string[]) => ({
  id,
  version: ids.join(),
  allows: (action: { id: string }) => !ids.includes(action.id),
});

test('without rules nothing is held back', () => {
  const rules = new VisibilityRules();

  expect(rules.findHolding(listedAction('todo:add'))).toBeUndefined();
  expect(rules.version).toBe('');
});

test('the first rule that holds an action back is named', () => {
  const rules = new VisibilityRules();
  rules.add(holdingBack('first', 'todo:a'));
  rules.add(holdingBack('second', 'todo:a', 'todo:b'));

  const holding = ['todo:a', 'todo:b', 'todo:c'].map(id => rules.findHolding(listedAction(id))?.id);

  expect(holding).toEqual(['first', 'second', undefined]);
  expect(rules.all.map(({ id }) => id)).toEqual(['first', 'second']);
});

test('the version changes with that of any rule', () => {
  const rules = new VisibilityRules();
  const first = { ...holdingBack('first'), version: '1' };
  rules.add(first);
  rules.add({ ...holdingBack('second'), version: '1' });
  const before = rules.version;

  first.version = '2';

  expect(rules.version).not.toBe(before);
});

test('rules have ids of their own', () => {
  const rules = new VisibilityRules();
  rules.add(holdingBack('pinning'));

  expect(() => rules.add(holdingBack('pinning'))).toThrow('There is a visibility rule "pinning" already');
});

test('a rule that has changed changes lists of every kind', () => {
  const emitted: unknown[] = [];
  const rules = new VisibilityRules({ events: { emit: change => void emitted.push(change) } });

  rules.changed();

  expect(emitted).toEqual([{ kind: 'tools' }, { kind: 'resources' }, { kind: 'prompts' }]);
});
