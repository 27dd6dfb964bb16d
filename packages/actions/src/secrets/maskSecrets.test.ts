import { InputError } from '@backstage/errors';
import { expect, test } from 'vitest';
import { maskSecrets } from './maskSecrets.js';

test('secrets are taken out of message, stack and causes, also where they are written as JSON', () => {
  const secrets = { key: 'line one\n"two"', nested: [{ pin: 123_456 }] };
  const cause = new Error('Refused 123456');
  const error = new InputError(`Bad key ${secrets.key}, that is ${JSON.stringify(secrets)}`, cause);

  maskSecrets(error, secrets);

  const text = [error.message, error.stack, cause.message, cause.stack].join('\n');
  expect(text).toContain('Bad key ***');
  expect(text).toContain('Refused ***');
  expect(text).not.toContain('line one');
  expect(text).not.toContain('123456');
});

test('one that is part of another leaves nothing of the longer one behind', () => {
  const error = new Error('abcd and abcdefgh');

  maskSecrets(error, { short: 'abcd', long: 'abcdefgh' });

  expect(error.message).toBe('*** and ***');
});

test('words that everybody uses, errors that cannot be changed and what is no error do no harm', () => {
  const error = new Error('It is on');
  const circular = new Error('It is secret-1');
  circular.cause = circular;

  maskSecrets(error, { mode: 'on', flag: true, nothing: null });
  maskSecrets(circular, { key: 'secret-1' });
  maskSecrets('text', { key: 'text' });

  expect(error.message).toBe('It is on');
  expect(circular.message).toBe('It is ***');
});

test('fields that a log would print, and errors among them, say nothing either', () => {
  const several = new AggregateError([new Error('Refused secret-1')], 'Several');
  const error = Object.assign(new Error('No'), {
    status: 403,
    code: 'secret-1',
    config: { headers: { authorization: 'Bearer secret-1' } },
    inner: several,
  });

  maskSecrets(error, { key: 'secret-1' });

  expect({ ...error }).toEqual({ status: 403, code: '***', config: '***', inner: several });
  expect(several.errors[0].message).toBe('Refused ***');
});

test('a secret that is part of an address is found there', () => {
  const error = new Error('GET /things?key=two%20words%2F failed');

  maskSecrets(error, { key: 'two words/' });

  expect(error.message).toBe('GET /things?key=*** failed');
});

test.each([
  ['a text', 'No: secret-1', 'No: ***'],
  ['an object', { key: 'secret-1' }, '***'],
  ['a number', 12_345_678, '***'],
  ['nothing', undefined, undefined],
])('what is thrown without being an error is masked, too: %s', (_, thrown, expected) => {
  expect(maskSecrets(thrown, { key: 'secret-1', pin: 12_345_678 })).toBe(expected);
});

test('an error that only looks like one, such as of another realm, is masked as others are', () => {
  const error = { name: 'RemoteError', message: 'No: secret-1' };

  expect(maskSecrets(error, { key: 'secret-1' })).toBe(error);

  expect(error.message).toBe('No: ***');
});

test('an error that cannot be changed or read is replaced', () => {
  const frozen = Object.freeze(Object.assign(new TypeError('No: secret-1'), { field: 'secret-1' }));
  const unreadable = Object.defineProperty(new Error('No'), 'field', {
    get: () => {
      throw new Error('secret-1');
    },
  });

  const replaced = maskSecrets(frozen, { key: 'secret-1' }) as Error;
  const other = maskSecrets(unreadable, { key: 'secret-1' }) as Error;

  expect(replaced).toMatchObject({ name: 'TypeError', message: 'No: ***' });
  expect(replaced.stack).not.toContain('secret-1');
  expect(other.message).toBe('What was thrown cannot be read');
});
