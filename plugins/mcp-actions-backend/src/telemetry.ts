import type { MetricsService, TracingService } from '@backstage/backend-plugin-api/alpha';
import type { Invocation } from '@callboard/actions';
import type { HttpRequest } from './HttpRequest.js';

/** Seconds; the same buckets as upstream's, so that dashboards keep working. */
const BUCKETS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];
const BAGGAGE = [
  'gen_ai.agent.id',
  'gen_ai.agent.name',
  'gen_ai.conversation.id',
  'gen_ai.provider.name',
  'gen_ai.request.model',
];
const BAGGAGE_MAX_CHARACTERS = 256;

/** The requests that are calls. */
export type CallMethod = 'tools/call' | 'resources/read' | 'prompts/get';

/** The outcome of a traced call, told to its span. */
export interface CallSpan {
  succeeded(result: unknown): void;
  /** @param errorType - `tool_error` for failures meant for the caller, else the error's name. */
  failed(errorType: string): void;
}

/**
 * Metrics and spans, named as the OpenTelemetry conventions for MCP have them. Names that a client
 * could make up are never attributes of metrics, only names of tools that exist.
 */
export class Telemetry {
  readonly #tracing: TracingService;
  readonly #captureToolPayload: boolean;
  readonly #operationDuration;
  readonly #sessionDuration;

  constructor(options: { metrics: MetricsService; tracing: TracingService; captureToolPayload: boolean }) {
    this.#tracing = options.tracing;
    this.#captureToolPayload = options.captureToolPayload;
    this.#operationDuration = options.metrics.createHistogram('mcp.server.operation.duration', {
      description: 'MCP request duration as observed on the receiver',
      unit: 's',
      advice: { explicitBucketBoundaries: BUCKETS },
    });
    this.#sessionDuration = options.metrics.createHistogram('mcp.server.session.duration', {
      description: 'The duration of the MCP session as observed on the MCP server',
      unit: 's',
      advice: { explicitBucketBoundaries: BUCKETS },
    });
  }

  /** @returns a handle whose `end` records the duration and returns it in milliseconds. */
  startOperation(operation: { method: string; server?: string | undefined }) {
    const startedAt = performance.now();
    return {
      end: (errorType?: string, attributes: Record<string, string> = {}): number => {
        const durationMs = performance.now() - startedAt;
        this.#operationDuration.record(durationMs / 1000, {
          'mcp.method.name': operation.method,
          ...(operation.server && { 'callboard.server': operation.server }),
          ...attributes,
          ...(errorType && { 'error.type': errorType }),
        });
        return Math.round(durationMs * 1000) / 1000;
      },
    };
  }

  /** @param protocolVersion - as negotiated, or as the message itself declared. */
  recordSession(durationMs: number, protocolVersion: string | undefined): void {
    this.#sessionDuration.record(durationMs / 1000, {
      ...(protocolVersion && { 'mcp.protocol.version': protocolVersion }),
      'network.transport': 'tcp',
      'network.protocol.name': 'http',
    });
  }

  /** Runs a call inside a span that continues the caller's trace. */
  traceCall<T>(
    call: Invocation,
    { method, request, arguments: args }: { method: CallMethod; request: HttpRequest; arguments: unknown },
    run: (span: CallSpan) => Promise<T>,
  ): Promise<T> {
    const operation = this.startOperation({ method });
    const isTool = method === 'tools/call';
    const nameKey = (
      {
        'tools/call': 'gen_ai.tool.name',
        'resources/read': 'mcp.resource.uri',
        'prompts/get': 'gen_ai.prompt.name',
      } as const
    )[method];
    let errorType: string | undefined;
    const context = this.#tracing.propagation.extract(this.#tracing.context.active(), request.headers);
    return this.#tracing.context.with(context, () =>
      this.#tracing.startActiveSpan(
        isTool ? `tools/call ${call.name}` : method,
        {
          kind: 'server',
          credentials: call.credentials,
          attributes: {
            'mcp.method.name': method,
            [nameKey]: call.name,
            ...(isTool && { 'gen_ai.operation.name': 'execute_tool' }),
            'callboard.request.id': call.requestId,
            ...(call.server && { 'callboard.server': call.server }),
            ...(this.#captureToolPayload && { 'gen_ai.tool.call.arguments': JSON.stringify(args) ?? '' }),
            ...this.#baggage(),
          },
        },
        async span => {
          try {
            return await run({
              succeeded: result => {
                if (this.#captureToolPayload) {
                  span.setAttribute('gen_ai.tool.call.result', JSON.stringify(result));
                }
              },
              failed: type => {
                errorType = type;
                span.setAttribute('error.type', type);
                span.setStatus({ code: 'error', message: type });
              },
            });
          } finally {
            if (call.foundAction) {
              span.setAttribute('backstage.plugin.id', call.foundAction.pluginId);
              span.setAttribute('callboard.action.id', call.foundAction.id);
            }
            operation.end(
              errorType,
              Object.assign(
                {},
                isTool && { 'gen_ai.operation.name': 'execute_tool' },
                call.server && { 'callboard.server': call.server },
                call.foundAction && { 'callboard.action.id': call.foundAction.id },
                call.foundAction && isTool && { 'gen_ai.tool.name': call.name },
              ),
            );
          }
        },
      ),
    );
  }

  #baggage(): Record<string, string> {
    const entries = this.#tracing.propagation.getActiveBaggage()?.getAllEntries() ?? [];
    return Object.fromEntries(
      entries
        .filter(([key]) => BAGGAGE.includes(key))
        .map(([key, { value }]) => [key, value.slice(0, BAGGAGE_MAX_CHARACTERS)]),
    );
  }
}
