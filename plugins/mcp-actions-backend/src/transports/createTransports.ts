import type { AuditorService, LoggerService } from '@backstage/backend-plugin-api';
import type { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import type { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Telemetry } from '../telemetry.js';
import { createConnectionLog } from './ConnectionLog.js';
import { Connections } from './Connections.js';
import { ModernEndpoint } from './ModernEndpoint.js';
import { Sessions } from './Sessions.js';
import { SseStreams } from './SseStreams.js';
import { StreamableEndpoint } from './StreamableEndpoint.js';

const SWEEP_MS = 15_000;

/** Builds the transports and what they share; `close` ends every session and stream. */
export function createTransports(options: {
  auditor: AuditorService;
  logger: LoggerService;
  telemetry: Telemetry;
  sessions: { idleTimeoutMinutes: number; maxSessions: number };
}) {
  const { logger, sessions: limits } = options;
  const connections = <TTransport>(
    transport: 'streamable' | 'sse',
    endStreams: ConstructorParameters<typeof Connections<TTransport>>[0]['endStreams'],
  ) =>
    new Connections<TTransport>({
      endStreams,
      idleTimeoutMs: limits.idleTimeoutMinutes * 60_000,
      maxConnections: limits.maxSessions,
      observer: createConnectionLog({ ...options, transport }),
    });
  const sessions = connections<StreamableHTTPServerTransport>('streamable', ({ transport }) =>
    transport.closeStandaloneSSEStream(),
  );
  const streams: Connections<SSEServerTransport> = connections<SSEServerTransport>('sse', ({ id }) =>
    streams.close(id),
  );
  const modern = new ModernEndpoint({ logger });
  const sweep = setInterval(() => {
    void sessions.closeIdle();
    void sessions.endExpiredStreams();
    void streams.endExpiredStreams();
  }, SWEEP_MS);
  sweep.unref();

  return {
    streamable: new StreamableEndpoint({ modern, sessions: new Sessions({ sessions }) }),
    sse: new SseStreams({ streams, logger }),
    async close() {
      clearInterval(sweep);
      await Promise.all([sessions.closeAll(), streams.closeAll(), modern.close()]);
    },
  };
}
