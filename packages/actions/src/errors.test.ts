import * as backstageErrors from '@backstage/errors';
import { ClientCapabilityError, TooManyRequestsError } from '@callboard/actions-api';
import { describe, expect, test } from 'vitest';
import { ApprovalRequiredError } from './approval/approvalErrors.js';
import { describeError, errorTable } from './errors.js';
import { ActionTimeoutError } from './invocation/ActionTimeoutError.js';
import { SecretsRequiredError } from './secrets/secretsErrors.js';

const { ConflictError, ForwardedError, InputError, NotFoundError, ResponseError } = backstageErrors;
const describeIt = (thrown: unknown) => describeError(thrown, { requestId: 'r-1', subject: 'Action "todo:one"' });

type ErrorClass = new (message: string) => Error;

/** Those of the table that Backstage does not have. */
const ownClasses: Record<string, ErrorClass> = {
  TooManyRequestsError,
  ActionTimeoutError,
  ClientCapabilityError: class extends ClientCapabilityError {
    constructor(message: string) {
      super(message, {});
    }
  },
  ApprovalRequiredError: class extends ApprovalRequiredError {
    constructor(message: string) {
      super('Action "todo:one"', { id: 'a-1', expiresAt: '2027-01-01T00:00:00.000Z' });
      this.message = message;
    }
  },
  SecretsRequiredError: class extends SecretsRequiredError {
    constructor(message: string) {
      super('Action "todo:one"', 'user:default/ada', { url: 'https://board.example', expiresAt: '2027-01-01' });
      this.message = message;
    }
  },
};
const errorClasses = { ...backstageErrors, ...ownClasses } as unknown as Record<string, ErrorClass>;

/** Not in the table, because they stand for another error or are there to be derived from. */
const unwrapped = ['CustomErrorBase', 'ForwardedError', 'ResponseError'];

function isErrorClass(value: unknown): boolean {
  return typeof value === 'function' && value.prototype instanceof Error;
}

test('every error class of @backstage/errors has its line in the table, and so have those of our own', () => {
  const classes = Object.entries(backstageErrors).flatMap(([name, value]) => (isErrorClass(value) ? [name] : []));

  expect([...classes.filter(name => !unwrapped.includes(name)), ...Object.keys(ownClasses)].sort()).toEqual(
    Object.keys(errorTable).sort(),
  );
  expect(classes).toEqual(expect.arrayContaining(unwrapped));
});

test('the table cannot be changed, and has no names but its own', () => {
  expect(Object.isFrozen(errorTable)).toBe(true);
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    expect(errorTable[name]).toBeUndefined();
  }
});

describe.each(Object.keys(errorTable))('%s', name => {
  const { status } = errorTable[name] as { status: number };
  const create = errorClasses[name] as ErrorClass;

  test(`is answered with ${status}, its name and its message`, () => {
    expect(describeIt(new create('Why'))).toEqual({ name, message: 'Why', status, expected: true });
  });

  test('is recognized by its name alone, whatever class it is of', () => {
    expect(describeIt(Object.assign(new Error('Why'), { name }))).toMatchObject({ name, status, expected: true });
    expect(describeIt({ name, message: 'Why' })).toMatchObject({ name, message: 'Why', status, expected: true });
  });

  test('is recognized in classes derived from it, which keep their own names', () => {
    class Derived extends create {}
    class Renamed extends create {
      override name = 'Renamed';
    }

    expect(describeIt(new Derived('Why'))).toMatchObject({ name, status });
    expect(describeIt(new Renamed('Why'))).toMatchObject({ name: 'Renamed', message: 'Why', status, expected: true });
  });

  test('stays what it is when it is forwarded', () => {
    expect(describeIt(new ForwardedError('Could not', new create('Why')))).toEqual({
      name,
      message: `Could not; caused by ${name}: Why`,
      status,
      expected: true,
    });
  });

  test('counts as what it was in the backend that answered with it', async () => {
    const body = { error: { name, message: 'Why' }, response: { statusCode: status } };
    const answer = status === 304 ? undefined : Response.json(body, { status });
    if (!answer) {
      return;
    }

    const described = describeIt(await ResponseError.fromResponse(answer as never));

    expect(described).toEqual({ name, message: 'Why', status, expected: true });
  });
});

test('an error from another backend that is forwarded counts as what it was there', async () => {
  const body = { error: { name: 'ConflictError', message: 'Changed meanwhile' }, response: { statusCode: 409 } };
  const responseError = await ResponseError.fromResponse(Response.json(body, { status: 409 }) as never);

  expect(describeIt(new ForwardedError('Could not save', responseError))).toMatchObject({
    name: 'ConflictError',
    status: 409,
    expected: true,
  });
});

describe('everything else is unexpected, and says nothing but the request id', () => {
  const unexpected = {
    name: 'InternalError',
    message: 'Action "todo:one" failed unexpectedly; the server\'s log has the details under request id r-1',
    status: 500,
    expected: false,
  };
  class HostileToString extends Error {
    override toString(): string {
      throw new Error('hostile');
    }
  }
  const circular = new Error('secret');
  circular.cause = circular;

  test.each<[string, unknown]>([
    ['an Error', new Error('secret')],
    ['a TypeError', new TypeError('secret')],
    ['an Error with an expected cause', new Error('secret', { cause: new InputError('secret') })],
    ['a forwarded Error', new ForwardedError('secret', new Error('secret'))],
    ['an Error that is its own cause', circular],
    ['text', 'secret'],
    ['undefined', undefined],
    ['null', null],
    ['a number', 42],
    ['an object', { secret: true }],
    ['an object without a prototype', Object.create(null)],
    ['a hostile Error', new HostileToString('secret')],
    ['an Error named __proto__', Object.assign(new Error('secret'), { name: '__proto__' })],
    ['an Error named constructor', Object.assign(new Error('secret'), { name: 'constructor' })],
    ['an Error without a name', Object.assign(new Error('secret'), { name: undefined })],
    ['an Error with a symbol for a name', Object.assign(new Error('secret'), { name: Symbol('InputError') })],
    ['an aborted operation', new DOMException('secret', 'AbortError')],
  ])('%s', (_, thrown) => {
    expect(describeIt(thrown)).toEqual(unexpected);
  });

  test('an answer of another backend that is no error of Backstage', async () => {
    const answer = new Response('<h1>secret</h1>', { status: 502, headers: { 'content-type': 'text/html' } });

    expect(describeIt(await ResponseError.fromResponse(answer as never))).toEqual(unexpected);
  });

  test('errors that answer for each other in a circle', () => {
    const first = Object.assign(new Error('secret'), { name: 'ResponseError' });
    first.cause = Object.assign(new Error('secret', { cause: first }), { name: 'ResponseError' });

    expect(describeIt(first)).toEqual(unexpected);
  });
});

test('the nearest class in the table decides', () => {
  class Odd extends NotFoundError {}
  Object.setPrototypeOf(Odd.prototype, ConflictError.prototype);
  const odd = new Odd('Which one');
  odd.name = 'Odd' as never;

  expect(describeIt(odd).status).toBe(409);
});
