import { ActionCatalogue, LocalActions, type VisibleAction } from '@callboard/actions';
import { expect, test } from 'vitest';
import type { RequestContext } from '../protocol/RequestContext.js';
import { ResourceDirectory } from './ResourceDirectory.js';

test('resources of the server itself are found under its own scheme, published or not, and not counted', async () => {
  const directory = new ResourceDirectory({
    catalogue: new ActionCatalogue({ sourceIds: [], local: new LocalActions() } as never),
    isIncluded: () => false,
    isEnabled: () => false,
  });
  const own = { descriptor: { id: 'mcp-actions:resource:output' } } as VisibleAction;
  const context = { credentials: {} } as RequestContext;
  const asked: unknown[] = [];
  const before = directory.hasAny;

  directory.addOwn(async () => undefined);
  directory.addOwn(async (uri, asking) => {
    asked.push([uri, asking === context]);
    return uri === 'callboard://outputs/1' ? own : undefined;
  });

  expect(await directory.find('callboard://outputs/1', context)).toBe(own);
  expect(await directory.find('callboard://outputs/2', context)).toBeUndefined();
  expect(await directory.find('other://outputs/1', context)).toBeUndefined();
  expect(asked).toEqual([
    ['callboard://outputs/1', true],
    ['callboard://outputs/2', true],
  ]);
  expect([before, directory.hasAny, directory.size]).toEqual([false, true, 0]);
});
