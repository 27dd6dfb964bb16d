import { type AnsweredApproval, ApprovalQuestion, principalKey } from '@callboard/actions';
import { visibleText } from '@callboard/actions-api';
import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  type ClientCapabilities,
  type ElicitRequestFormParams,
  type Implementation,
  type InputRequests,
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  LOG_LEVEL_META_KEY,
  type LoggingLevel,
  ProtocolError,
  ProtocolErrorCode,
  type Server,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { askingForSecrets } from '../secrets/askForSecrets.js';
import { type CallState, FORGED_STATE } from './CallStates.js';
import type { ClientSide } from './ClientSide.js';
import { askInSession } from './client/askInSession.js';
import { bindingOfRequest } from './client/bindingOfRequest.js';
import { ClientNotices } from './client/ClientNotices.js';
import { abilitiesOf } from './client/capabilities.js';
import { MAX_WAIT_MS } from './client/limits.js';
import { McpCallClient } from './client/McpCallClient.js';
import { type Round, RoundTripCall, type ServedRequest } from './client/RoundTripCall.js';
import { unlessCancelled } from './client/unlessCancelled.js';
import type { CallQuestion } from './makeCall.js';
import type { PublishedServer } from './PublishedServer.js';
import { fromAuthInfo } from './RequestContext.js';

const AGENT_ID_HEADER = 'callboard-agent-id';
const REASON_META_KEY = 'callboard/reason';
/** Of the question among the input requests of an answer. */
const QUESTION_KEY = 'approval';
const MAX_AGENT_ID_CHARACTERS = 200;
const FIRST_MODERN_VERSION = '2026-07-28';

interface Envelope {
  readonly [CLIENT_CAPABILITIES_META_KEY]?: ClientCapabilities;
  readonly [CLIENT_INFO_META_KEY]?: Implementation;
  readonly [LOG_LEVEL_META_KEY]?: LoggingLevel;
}

/** What a call needs to know of the connection that its request came on. */
export type ProtocolSide = Pick<Server, 'getNegotiatedProtocolVersion' | 'getClientCapabilities' | 'getClientVersion'>;

interface AnswerOptions<TResult> {
  readonly server: PublishedServer;
  /** The protocol's side of the connection that the request came on. */
  readonly protocol: ProtocolSide;
  readonly ctx: ServerContext;
  /** What is called, and with what. */
  readonly params: object;
  /** Takes the call through the path once. */
  readonly attempt: (client: ClientSide) => Promise<TResult | ApprovalQuestion>;
}

/**
 * Answers a request that is a call (`tools/call`, `resources/read`, `prompts/get`). Where a person has
 * to approve the call, or its handler asks for something, the client is asked: on sessions and HTTP+SSE
 * by requests of the server's own (MCP 2025-11-25, client features), in the 2026 era by an answer that
 * requires input, after which the client makes the same request again with signed state and the answers
 * (MCP 2026-07-28, multi round-trip requests).
 *
 * @throws ProtocolError `-32602` for state that is forged or too old, `-32021` if the client of a
 * request of the 2026 era lacks a capability; what `attempt` throws.
 */
export async function answerCall<TResult extends object>(
  given: Omit<AnswerOptions<TResult>, 'attempt'> & {
    attempt: (client: ClientSide) => Promise<TResult | CallQuestion>;
  },
): Promise<TResult | InputRequiredResult> {
  const { server, protocol, ctx, params } = given;
  const { logger, policy } = server.services;
  const attempt = askingForSecrets({ desk: policy.secrets, ctx, attempt: given.attempt });
  const options: AnswerOptions<TResult> = { server, protocol, ctx, params, attempt };
  const envelope = readEnvelope(protocol, ctx);
  const capabilities = envelope ? envelope[CLIENT_CAPABILITIES_META_KEY] : protocol.getClientCapabilities();
  const { request } = fromAuthInfo(ctx.http?.authInfo);
  const agentId =
    request.headers[AGENT_ID_HEADER]?.toString() ??
    (envelope?.[CLIENT_INFO_META_KEY] ?? protocol.getClientVersion())?.name;
  const reason = ctx.mcpReq._meta?.[REASON_META_KEY];
  const side: ClientSide = {
    signal: ctx.mcpReq.signal,
    era: envelope ? 'modern' : 'legacy',
    canAsk: abilitiesOf(capabilities).elicitForm,
    canOpenUrl: abilitiesOf(capabilities).elicitUrl,
    ...(agentId && { agentId: visibleText(agentId, MAX_AGENT_ID_CHARACTERS) }),
    ...(typeof reason === 'string' && { reason }),
  };

  if (ctx.mcpReq.requestState<unknown>() === FORGED_STATE) {
    // Refused by the same path as every call, so that it is on record.
    await options.attempt({ ...side, answered: { approvalId: '', answer: 'forged' } });
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'Invalid or expired requestState', {
      reason: 'invalid_request_state',
    });
  }
  return unlessCancelled({ signal: side.signal, logger, method: ctx.mcpReq.method }, () =>
    envelope
      ? answerInRounds(options, side, {
          mcpReq: ctx.mcpReq,
          signal: side.signal,
          capabilities,
          logLevel: envelope[LOG_LEVEL_META_KEY],
        })
      : answerInSession(options, side, capabilities),
  );
}

/** The 2025 era: whatever has to be asked is asked while the request waits. */
async function answerInSession<TResult extends object>(
  { server, protocol, ctx, attempt }: AnswerOptions<TResult>,
  side: ClientSide,
  capabilities: ClientCapabilities | undefined,
): Promise<TResult> {
  const notices = new ClientNotices();
  const client = new McpCallClient({ capabilities: () => capabilities, notices, asker: askInSession(ctx) });
  notices.attach({ mcpReq: ctx.mcpReq, logLevel: server.logLevels.of(protocol) });
  try {
    const outcome = await attempt(Object.assign({}, side, { client }));
    if (!isQuestion(outcome)) {
      return outcome;
    }
    const answer = await askForApproval(outcome, ctx);
    const next = await attempt({ ...side, client, answered: { approvalId: outcome.approval.id, answer } });
    if (isQuestion(next)) {
      throw new Error('A call whose question was answered asks again');
    }
    return next;
  } finally {
    notices.detach();
  }
}

/** The 2026 era: one request starts a call, and further ones bring the answers to what it asks. */
async function answerInRounds<TResult extends object>(
  { server, ctx, params, attempt }: AnswerOptions<TResult>,
  side: ClientSide,
  request: ServedRequest,
): Promise<TResult | InputRequiredResult> {
  const { mcpReq } = ctx;
  const context = fromAuthInfo(ctx.http?.authInfo);
  const bind = () => bindingOfRequest({ server, context, method: mcpReq.method, params });
  const { suspendedCalls, callRelay } = server.services;
  const state = mcpReq.requestState<CallState | undefined>();
  let getCallId: () => string;
  let serving: Promise<Round<TResult | ApprovalQuestion> | undefined>;
  if (state && 'callId' in state) {
    const { method, inputResponses: responses } = mcpReq;
    getCallId = () => state.callId;
    serving = callRelay.takeUp({ state, binding: bind(), method, request, responses });
  } else {
    const call = new RoundTripCall<TResult | ApprovalQuestion>({
      suspended: suspendedCalls,
      bind,
      principal: principalKey(context.credentials),
      given: state ? undefined : mcpReq.inputResponses,
    });
    const { signal, client } = call;
    getCallId = () => call.id;
    // A client that cannot ask anybody has no answer either.
    const answered = side.canAsk ? readAnswer(ctx, state) : undefined;
    serving = call.start(request, async () =>
      attempt(Object.assign({}, side, { signal, client }, answered && { answered })),
    );
  }

  const round = await serving;
  if (!round) {
    return withoutQuestion(await attempt({ ...side, isLate: true }));
  }
  if (round.kind === 'ended') {
    const { outcome } = round;
    return isQuestion(outcome)
      ? inputRequired({
          inputRequests: { [QUESTION_KEY]: inputRequired.elicit(formOf(outcome)) },
          requestState: await server.states.mint({ approvalId: outcome.approval.id }, ctx),
        })
      : outcome;
  }
  const callId = getCallId();
  try {
    return inputRequired({
      inputRequests: round.requests as InputRequests,
      requestState: await server.states.mint({ callId, round: round.round }, ctx),
    });
  } catch (error) {
    // Nobody can ever answer. A call of another replica ends in time.
    suspendedCalls.find({ callId, round: round.round }, bind())?.abort(error as Error);
    throw error;
  }
}

/** What every request of the 2026 era says of its client; one of the 2025 era may carry parts of it, which say nothing. */
function readEnvelope(protocol: ProtocolSide, { mcpReq }: ServerContext): Envelope | undefined {
  const isModern = (protocol.getNegotiatedProtocolVersion() ?? '') >= FIRST_MODERN_VERSION;
  return isModern ? (mcpReq.envelope as Envelope | undefined) : undefined;
}

function isQuestion(outcome: object): outcome is ApprovalQuestion {
  return outcome instanceof ApprovalQuestion;
}

function withoutQuestion<TResult extends object>(outcome: TResult | ApprovalQuestion): TResult {
  if (isQuestion(outcome)) {
    throw new Error('A call that has nobody to ask asks');
  }
  return outcome;
}

/** What the client answers to a question of an earlier attempt; its state has been verified by now. */
function readAnswer({ mcpReq }: ServerContext, state: CallState | undefined): AnsweredApproval | undefined {
  // The SDK copies keys by assignment, and `__proto__` is one that clients can send.
  const isAnswered = mcpReq.inputResponses !== undefined && Object.hasOwn(mcpReq.inputResponses, QUESTION_KEY);
  const response = inputResponse(isAnswered ? mcpReq.inputResponses : undefined, QUESTION_KEY);
  return state && 'approvalId' in state && response.kind === 'elicit'
    ? { approvalId: state.approvalId, answer: response.action }
    : undefined;
}

async function askForApproval(
  question: ApprovalQuestion,
  { mcpReq }: ServerContext,
): Promise<AnsweredApproval['answer']> {
  const leftMs = Date.parse(question.approval.expiresAt) - Date.now();
  try {
    const { action } = await mcpReq.send(
      { method: 'elicitation/create', params: { ...formOf(question), mode: 'form' } },
      { signal: mcpReq.signal, timeout: Math.max(1, Math.min(leftMs, MAX_WAIT_MS)) },
    );
    mcpReq.signal.throwIfAborted();
    return action;
  } catch (error) {
    if (mcpReq.signal.aborted) {
      throw error;
    }
    // It said that it could ask, and cannot: nobody has approved anything.
    return 'unavailable';
  }
}

/** The person has nothing to fill in: to accept, to decline or to close the question is the answer. */
function formOf({ question }: ApprovalQuestion): ElicitRequestFormParams {
  return { message: question, requestedSchema: { type: 'object', properties: {} } };
}
