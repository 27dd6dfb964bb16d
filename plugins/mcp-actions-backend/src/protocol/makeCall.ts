import { toError } from '@backstage/errors';
import {
  ApprovalQuestion,
  type DescribedError,
  describeError,
  Invocation,
  invokeAction,
  printable,
  SecretsQuestion,
  type VisibleAction,
} from '@callboard/actions';
import { ClientCapabilityError } from '@callboard/actions-api';
import {
  type ClientCapabilities,
  MissingRequiredClientCapabilityError,
  ProtocolError,
  ProtocolErrorCode,
} from '@modelcontextprotocol/server';
import { asExpressRequest } from '../HttpRequest.js';
import type { CallMethod } from '../telemetry.js';
import type { ClientSide } from './ClientSide.js';
import type { PublishedServer } from './PublishedServer.js';
import type { RequestContext } from './RequestContext.js';

/** What a person has to answer before a call can go on. */
export type CallQuestion = ApprovalQuestion | SecretsQuestion;

/** A call as a request of the protocol asks for it. */
export interface RequestedCall<TResult extends object> {
  readonly method: CallMethod;
  /** What the caller asks for: a tool name, a URI, a prompt name. */
  readonly name: string;
  /** How messages call it, such as `Tool "todo.list-items"`. */
  readonly subject: string;
  readonly input: unknown;
  readonly find: () => Promise<VisibleAction | undefined>;
  /** Of the auditor's event. */
  readonly eventId: string;
  readonly meta: Record<string, string>;
  toResult(call: Invocation): TResult | Promise<TResult>;
  /** What the caller is told of a failure that is meant for them; may throw a ProtocolError. */
  toFailure(failure: DescribedError, thrown: unknown, call: Invocation): TResult;
  /** The error for what does not exist, or not for this caller. */
  toUnknown(): ProtocolError | Promise<ProtocolError>;
}

/**
 * Makes one attempt at a call.
 *
 * @returns the result; or the question that a person has to answer before the next attempt.
 * @throws ProtocolError what `toUnknown` returns, what `toFailure` throws, `-32603` with a request id
 * for an unexpected failure, `-32021` if the client of a request of the 2026 era lacks a capability.
 */
export async function makeCall<TResult extends object>(
  server: PublishedServer,
  requested: RequestedCall<TResult>,
  { credentials, grant, profile, request }: RequestContext,
  client: ClientSide,
): Promise<TResult | CallQuestion> {
  const { auditor, policy, logger, telemetry } = server.services;
  const { method, name, subject, input, find } = requested;
  const call = new Invocation({
    name,
    find,
    input,
    credentials,
    door: 'mcp',
    takesSecrets: true,
    ...(server.config.key && { server: server.config.key }),
    ...(grant && { scopes: grant.scopes, clientId: grant.clientId }),
    ...(profile !== undefined && { profile }),
    ...client,
  });
  const audit = {
    eventId: requested.eventId,
    request: asExpressRequest(request),
    meta: Object.assign(
      {},
      requested.meta,
      server.config.key && { server: server.config.key },
      grant && { clientId: grant.clientId },
    ),
  };

  return telemetry.traceCall(call, { method, request, arguments: input }, async span => {
    try {
      await invokeAction(call, { policy, auditor, audit });
      const result = await requested.toResult(call);
      span.succeeded(result);
      return result;
    } catch (thrown) {
      if (thrown instanceof ApprovalQuestion) {
        span.failed('approval_asked');
        return thrown;
      }
      if (thrown instanceof SecretsQuestion) {
        span.failed('secrets_asked');
        return thrown;
      }
      const described = describeError(thrown, { requestId: call.requestId, subject });
      if (!call.foundAction && described.name === 'NotFoundError') {
        span.failed(described.name);
        throw await requested.toUnknown();
      }
      if (!described.expected) {
        const level = client.signal.aborted ? 'debug' : 'error';
        logger[level](`${subject} failed unexpectedly, request id ${call.requestId}`, toError(thrown));
        span.failed(toError(thrown).name);
        throw new ProtocolError(ProtocolErrorCode.InternalError, described.message, { requestId: call.requestId });
      }
      if (client.era === 'modern' && thrown instanceof ClientCapabilityError && !isEmpty(thrown.required)) {
        span.failed(described.name);
        throw new MissingRequiredClientCapabilityError(
          { requiredCapabilities: thrown.required as ClientCapabilities },
          described.message,
        );
      }
      span.failed('tool_error');
      return requested.toFailure(described, thrown, call);
    }
  });
}

function isEmpty(value: object): boolean {
  return Object.keys(value).length === 0;
}

/** A name that a client sent, as it can be shown in a message. */
export function quoted(name: string): string {
  return `"${printable(name)}"`;
}
