import { type AnsweredApproval, ApprovalQuestion } from '@callboard/actions';
import { visibleText } from '@callboard/actions-api';
import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  type ClientCapabilities,
  type ElicitRequestFormParams,
  type Implementation,
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  PROTOCOL_VERSION_META_KEY,
  ProtocolError,
  ProtocolErrorCode,
  type Server,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { type ApprovalStates, FORGED_STATE } from './ApprovalStates.js';
import type { ClientSide } from './ClientSide.js';
import { fromAuthInfo } from './RequestContext.js';

const AGENT_ID_HEADER = 'callboard-agent-id';
const REASON_META_KEY = 'callboard/reason';
/** Of the question among the input requests of an answer. */
const QUESTION_KEY = 'approval';
const MAX_AGENT_ID_CHARACTERS = 200;
/** People take their time; a client that is gone must not be waited for much longer. */
const MAX_WAIT_MS = 10 * 60_000;

interface Envelope {
  readonly [PROTOCOL_VERSION_META_KEY]?: string;
  readonly [CLIENT_CAPABILITIES_META_KEY]?: ClientCapabilities;
  readonly [CLIENT_INFO_META_KEY]?: Implementation;
}

/**
 * Answers a request that is a call (`tools/call`, `resources/read`, `prompts/get`), asking a person
 * through the client where the call has to be approved: on
 * sessions and HTTP+SSE by a request of the server's own (MCP 2025-11-25, elicitation), in the 2026
 * era by an answer that requires input, after which the client makes the call again with signed state
 * (MCP 2026-07-28, multi round-trip requests). Every attempt goes through all steps.
 *
 * @param options.protocol - the protocol's side of the connection that the request came on.
 * @param options.attempt - takes the call through the path once.
 */
export async function answerCall<TResult extends object>(options: {
  protocol: Server;
  ctx: ServerContext;
  states: ApprovalStates;
  attempt: (client: ClientSide) => Promise<TResult | ApprovalQuestion>;
}): Promise<TResult | InputRequiredResult> {
  const { protocol, ctx, states } = options;
  const context = fromAuthInfo(ctx.http?.authInfo);
  const { signal } = ctx.mcpReq;
  const envelope = readEnvelope(ctx);
  const capabilities = envelope ? envelope[CLIENT_CAPABILITIES_META_KEY] : protocol.getClientCapabilities();
  const agentId =
    context.request.headers[AGENT_ID_HEADER]?.toString() ??
    (envelope?.[CLIENT_INFO_META_KEY] ?? protocol.getClientVersion())?.name;
  const reason = ctx.mcpReq._meta?.[REASON_META_KEY];
  const client: ClientSide = {
    signal,
    canAsk: takesForms(capabilities),
    ...(agentId && { agentId: visibleText(agentId, MAX_AGENT_ID_CHARACTERS) }),
    ...(typeof reason === 'string' && { reason }),
  };
  const attempt = (answered?: AnsweredApproval) => options.attempt({ ...client, ...(answered && { answered }) });

  if (ctx.mcpReq.requestState<unknown>() === FORGED_STATE) {
    // Refused by the same path as every call, so that it is on record.
    await attempt({ approvalId: '', answer: 'forged' });
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'Invalid or expired requestState', {
      reason: 'invalid_request_state',
    });
  }
  if (envelope) {
    // A client that cannot ask anybody has no answer either.
    const outcome = await attempt(client.canAsk ? readAnswer(ctx) : undefined);
    return isQuestion(outcome)
      ? inputRequired({
          inputRequests: { [QUESTION_KEY]: inputRequired.elicit(formOf(outcome)) },
          requestState: await states.mint({ approvalId: outcome.approval.id }, ctx),
        })
      : outcome;
  }
  const outcome = await attempt();
  if (!isQuestion(outcome)) {
    return outcome;
  }
  const next = await attempt({ approvalId: outcome.approval.id, answer: await ask(outcome, ctx) });
  if (isQuestion(next)) {
    throw new Error('A call whose question was answered asks again');
  }
  return next;
}

/** What every request of the 2026 era says of its client; one of the 2025 era may carry parts of it, which say nothing. */
function readEnvelope({ mcpReq }: ServerContext): Envelope | undefined {
  const envelope = mcpReq.envelope as Envelope | undefined;
  return envelope?.[PROTOCOL_VERSION_META_KEY] === undefined ? undefined : envelope;
}

function isQuestion(outcome: object): outcome is ApprovalQuestion {
  return outcome instanceof ApprovalQuestion;
}

/** `elicitation: {}` is how clients say forms who know no other mode. */
function takesForms(capabilities: ClientCapabilities | undefined): boolean {
  const elicitation = capabilities?.elicitation;
  return elicitation !== undefined && (elicitation.form !== undefined || elicitation.url === undefined);
}

/** What the client answers to a question of an earlier attempt; its state has been verified by now. */
function readAnswer({ mcpReq }: ServerContext): AnsweredApproval | undefined {
  const state = mcpReq.requestState<{ approvalId?: unknown } | undefined>();
  // The SDK copies keys by assignment, and `__proto__` is one that clients can send.
  const isAnswered = mcpReq.inputResponses !== undefined && Object.hasOwn(mcpReq.inputResponses, QUESTION_KEY);
  const response = inputResponse(isAnswered ? mcpReq.inputResponses : undefined, QUESTION_KEY);
  return typeof state?.approvalId === 'string' && response.kind === 'elicit'
    ? { approvalId: state.approvalId, answer: response.action }
    : undefined;
}

async function ask(question: ApprovalQuestion, { mcpReq }: ServerContext): Promise<AnsweredApproval['answer']> {
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
