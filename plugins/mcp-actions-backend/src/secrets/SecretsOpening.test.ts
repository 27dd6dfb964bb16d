import { ServiceUnavailableError } from '@backstage/errors';
import { CatalogueEvents, SecretsDesk } from '@callboard/actions';
import { recordingLogger } from '@callboard/test-utils';
import { afterEach, expect, test, vi } from 'vitest';
import { SecretsOpening } from './SecretsOpening.js';

const pages = { urlOf: (id: string) => id, lifetimeMs: 60_000, users: [] };
let opening: SecretsOpening;

function create(haveSignIn: () => Promise<boolean>) {
  const { logger, logs } = recordingLogger();
  const desk = new SecretsDesk({ environment: 'test' });
  const events = new CatalogueEvents();
  const changes: unknown[] = [];
  events.subscribe(change => changes.push(change));
  opening = new SecretsOpening({ desk, pages, users: { haveSignIn }, events, logger, known: () => [], retryMs: 1_000 });
  return { desk, logs, changes };
}

afterEach(() => {
  opening.stop();
  vi.useRealTimers();
});

test('where people can sign in, the pages are open, and clients are told that there are other tools', async () => {
  const { desk, changes } = create(async () => true);

  await opening.start();

  expect(desk.isOpen).toBe(true);
  expect(changes).toEqual([{ kind: 'tools' }]);
});

test('an auth plugin that does not answer is asked again, until it does', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  let asked = 0;
  const { desk, logs, changes } = create(async () => {
    asked += 1;
    if (asked < 3) {
      throw new ServiceUnavailableError('Away');
    }
    return true;
  });

  await opening.start();
  expect([desk.isOpen, changes]).toEqual([false, []]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(desk.isOpen).toBe(false);
  await vi.advanceTimersByTimeAsync(1_000);

  expect(desk.isOpen).toBe(true);
  expect(logs.filter(({ level }) => level === 'warn')).toHaveLength(2);
});

test('what is stopped is not opened any more, by whatever comes late', async () => {
  let answer = (_haveSignIn: boolean) => {};
  const { desk } = create(() => new Promise(resolve => (answer = resolve)));
  const starting = opening.start();

  opening.stop();
  answer(true);
  await starting;

  expect(desk.isOpen).toBe(false);
});

test('where there are no actions that take secrets, the log has nothing to say', async () => {
  const { logs } = create(async () => false);

  await opening.start();

  expect(logs).toEqual([]);
});
