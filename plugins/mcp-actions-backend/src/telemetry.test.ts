import { createServiceFactory } from '@backstage/backend-plugin-api';
import {
  type MetricsService,
  metricsServiceRef,
  type TracingService,
  type TracingServiceSpanOptions,
  tracingServiceRef,
} from '@backstage/backend-plugin-api/alpha';
import { describe, expect, it } from 'vitest';
import { initialize, startProbe } from './testing/startProbe.js';

interface Recorded {
  name: string;
  value: number;
  attributes: Record<string, unknown>;
}

/** Starts the probe with metrics and spans kept for a look. */
async function startObserved(config = {}) {
  const metrics: Recorded[] = [];
  const spans: {
    name: string;
    options: TracingServiceSpanOptions;
    attributes: Record<string, unknown>;
    status?: unknown;
  }[] = [];
  const histograms = {
    createHistogram: (name: string) => ({
      record: (value: number, attributes: Record<string, unknown>) => void metrics.push({ name, value, attributes }),
    }),
  } as unknown as MetricsService;
  const tracing = {
    context: { active: () => ({}), with: (_context: unknown, run: () => unknown) => run() },
    propagation: {
      extract: (_context: unknown, headers: Record<string, unknown>) => headers,
      getActiveBaggage: () => ({
        getAllEntries: () => [
          ['gen_ai.agent.id', { value: 'a'.repeat(300) }],
          ['secret', { value: 'not passed on' }],
        ],
      }),
    },
    async startActiveSpan(name: string, options: TracingServiceSpanOptions, run: (span: unknown) => unknown) {
      const span = {
        name,
        options,
        attributes: { ...options.attributes } as Record<string, unknown>,
        status: undefined,
      };
      spans.push(span);
      return run({
        setAttribute: (key: string, value: unknown) => Object.assign(span.attributes, { [key]: value }),
        setStatus: (status: unknown) => Object.assign(span, { status }),
      });
    },
  } as unknown as TracingService;
  const app = await startProbe({
    features: [
      createServiceFactory({ service: metricsServiceRef, deps: {}, factory: () => histograms }),
      createServiceFactory({ service: tracingServiceRef, deps: {}, factory: () => tracing }),
    ],
    config,
  });
  return { app, metrics, spans };
}

describe('metrics', () => {
  it('have the duration of operations in seconds, the server, and tool and action only where there is one', async () => {
    const { app, metrics } = await startObserved({ mcpActions: { servers: { named: { name: 'Named' } } } });

    await app.request('tools/list');
    await app.call('probe.echo', { message: 'x' });
    await app.call('probe.fail', { with: 'InputError' }, { path: '/named' });
    await app.call('made-up-by-the-client', {});

    const durations = metrics.filter(({ name }) => name === 'mcp.server.operation.duration');
    expect(durations.map(({ attributes }) => attributes)).toEqual([
      { 'mcp.method.name': 'tools/list' },
      {
        'mcp.method.name': 'tools/call',
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': 'probe.echo',
        'callboard.action.id': 'probe:echo',
      },
      {
        'mcp.method.name': 'tools/call',
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': 'probe.fail',
        'callboard.action.id': 'probe:fail',
        'callboard.server': 'named',
        'error.type': 'tool_error',
      },
      { 'mcp.method.name': 'tools/call', 'gen_ai.operation.name': 'execute_tool', 'error.type': 'NotFoundError' },
    ]);
    expect(durations.every(({ value }) => value > 0 && value < 30)).toBe(true);
    await app.stop();
  });

  it('have the duration of sessions with the version that was negotiated', async () => {
    const { app, metrics } = await startObserved();
    const { headers } = await app.send(initialize('2025-06-18'));

    await app.send(undefined, {
      method: 'DELETE',
      headers: { 'Mcp-Session-Id': headers.get('mcp-session-id') as string, 'MCP-Protocol-Version': '2025-06-18' },
    });

    expect(metrics.find(({ name }) => name === 'mcp.server.session.duration')?.attributes).toEqual({
      'mcp.protocol.version': '2025-06-18',
      'network.transport': 'tcp',
      'network.protocol.name': 'http',
    });
    await app.stop();
  });
});

describe('spans of tool calls', () => {
  it('name the tool, the action, the plugin and what the caller said of itself, but no payload', async () => {
    const { app, spans } = await startObserved();

    await app.call('probe.echo', { message: 'payload' });

    expect(spans).toHaveLength(1);
    expect(spans[0]).toMatchObject({ name: 'tools/call probe.echo', options: { kind: 'server' } });
    expect(spans[0]?.attributes).toEqual({
      'gen_ai.agent.id': 'a'.repeat(256),
      'mcp.method.name': 'tools/call',
      'gen_ai.tool.name': 'probe.echo',
      'gen_ai.operation.name': 'execute_tool',
      'backstage.plugin.id': 'probe',
      'callboard.action.id': 'probe:echo',
      'callboard.request.id': expect.any(String),
    });
    await app.stop();
  });

  it('have arguments and result when told to, and the server and the error', async () => {
    const { app, spans } = await startObserved({
      mcpActions: { tracing: { capture: { toolPayload: true } }, servers: { named: { name: 'Named' } } },
    });

    await app.call('probe.echo', { message: 'payload' });
    await app.call('probe.fail', { with: 'ConflictError' }, { path: '/named' });

    expect(spans[0]?.attributes['gen_ai.tool.call.arguments']).toBe('{"message":"payload"}');
    expect(spans[0]?.attributes['gen_ai.tool.call.result']).toContain(
      '"structuredContent":{"message":"payload","count":1}',
    );
    expect(spans[1]?.attributes).toMatchObject({ 'callboard.server': 'named', 'error.type': 'tool_error' });
    expect(spans[1]?.status).toEqual({ code: 'error', message: 'tool_error' });
    await app.stop();
  });
});
