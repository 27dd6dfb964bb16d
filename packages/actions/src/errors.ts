import { toError } from '@backstage/errors';

/** How an error that a caller is meant to see is answered at each edge. */
export interface ErrorAnswer {
  /** HTTP status of the invoke endpoints, as Backstage maps it. */
  readonly status: number;
  /** In words, for the documentation and for tests that hold it against the code. */
  readonly meaning: string;
}

/**
 * The errors whose message is meant for the caller. MCP answers them as a tool result with
 * `isError`; the HTTP endpoints with the status given here. Everything else is answered as an
 * unexpected failure that carries a request id and nothing else.
 */
export const errorTable: Readonly<Record<string, ErrorAnswer>> = Object.freeze(
  Object.assign(Object.create(null) as Record<string, ErrorAnswer>, {
    InputError: { status: 400, meaning: 'The input is wrong; the message says where.' },
    AuthenticationError: { status: 401, meaning: 'The caller is not known.' },
    NotAllowedError: { status: 403, meaning: 'The caller is known and may not do this.' },
    ClientCapabilityError: {
      status: 400,
      meaning: "The caller's client lacks what the call needs; the message says what.",
    },
    ActionTimeoutError: { status: 504, meaning: 'The action took longer than it may; it may still be at work.' },
    ApprovalRequiredError: {
      status: 403,
      meaning: 'A person has to approve the call first; the message says where. Then make the same call again.',
    },
    SecretsRequiredError: {
      status: 403,
      meaning:
        'A person has to enter the secrets of the call first; the message says where. Then make the same call again.',
    },
    NotFoundError: { status: 404, meaning: 'There is no such thing, or none that the caller may see.' },
    ConflictError: { status: 409, meaning: 'The thing has changed or exists already.' },
    TooManyRequestsError: { status: 429, meaning: 'A limit is reached; the message says which and when to try again.' },
    NotModifiedError: { status: 304, meaning: 'Nothing has changed.' },
    NotImplementedError: { status: 501, meaning: 'This is not supported here.' },
    ServiceUnavailableError: { status: 503, meaning: 'Something that the action needs is away; try again later.' },
  }),
);

/** An error as callers are told of it. */
export interface DescribedError {
  readonly name: string;
  readonly message: string;
  readonly status: number;
  /** `false` for failures nobody foresaw: the message holds no details of them. */
  readonly expected: boolean;
}

/**
 * Translates anything thrown into what the caller may be told. Errors from other backends
 * (`ResponseError`) count as what they were there; subclasses as the nearest class in the table.
 */
export function describeError(thrown: unknown, options: { requestId: string; subject: string }): DescribedError {
  const error = unwrapResponseError(thrown);
  const name = expectedName(error);
  if (name) {
    const { status } = errorTable[name] as ErrorAnswer;
    return { name: errorTable[error.name] ? name : error.name, message: error.message, status, expected: true };
  }
  return {
    name: 'InternalError',
    message: `${options.subject} failed unexpectedly; the server's log has the details under request id ${options.requestId}`,
    status: 500,
    expected: false,
  };
}

// ResponseError carries the remote error as its cause; a ForwardedError around one goes by the same name.
function unwrapResponseError(thrown: unknown): Error {
  let error = toError(thrown);
  // Bounded, because causes may go in a circle.
  for (let depth = 0; depth < 8 && error.name === 'ResponseError' && error.cause !== undefined; depth += 1) {
    error = toError(error.cause);
  }
  return error;
}

// By name along the prototype chain rather than by instanceof: there may be several copies of
// @backstage/errors in one process, and errors from other backends are plain objects.
function expectedName(error: Error): string | undefined {
  if (errorTable[error.name]) {
    return error.name;
  }
  for (let type = Object.getPrototypeOf(error); type; type = Object.getPrototypeOf(type)) {
    const name = type.constructor?.name;
    if (typeof name === 'string' && errorTable[name]) {
      return name;
    }
  }
  return undefined;
}
