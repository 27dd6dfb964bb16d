import type { AuditorService, LoggerService } from '@backstage/backend-plugin-api';
import type { ActionCatalogue, CatalogueEvents } from '@callboard/actions';
import type { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import type { McpConfig } from '../config.js';
import { ChangeNotifier } from '../notifications/ChangeNotifier.js';
import { ConnectionAudience } from '../notifications/ConnectionAudience.js';
import { ListenStreams } from '../notifications/ListenStreams.js';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import type { Telemetry } from '../telemetry.js';
import { createConnectionLog, createListenLog } from './ConnectionLog.js';
import { Connections } from './Connections.js';
import { MemorySentEvents } from './MemorySentEvents.js';
import { ModernEndpoint } from './ModernEndpoint.js';
import { Sessions } from './Sessions.js';
import type { SessionTransport } from './SessionTransport.js';
import { SseStreams } from './SseStreams.js';
import { StreamableEndpoint } from './StreamableEndpoint.js';

const SWEEP_MS = 15_000;

/**
 * Builds the transports and what they share, and tells their clients of changes; `close` ends every
 * session and stream.
 */
export function createTransports(options: {
  auditor: AuditorService;
  catalogue: Pick<ActionCatalogue, 'known'>;
  events: CatalogueEvents;
  logger: LoggerService;
  servers: readonly PublishedServer[];
  telemetry: Telemetry;
  sessions: McpConfig['sessions'];
  streams: McpConfig['streams'];
}) {
  const { logger, sessions: limits } = options;
  const { replayEvents, retryMilliseconds } = options.streams;
  const keepAliveMs = options.streams.keepAliveSeconds * 1000;
  const connections = <TTransport>(
    transport: 'streamable' | 'sse',
    rest: Pick<ConstructorParameters<typeof Connections<TTransport>>[0], 'endStreams' | 'isBusy'>,
  ) =>
    new Connections<TTransport>({
      ...rest,
      idleTimeoutMs: limits.idleTimeoutMinutes * 60_000,
      maxConnections: limits.maxSessions,
      observer: createConnectionLog({ ...options, transport }),
    });
  const sessions = connections<SessionTransport>('streamable', {
    endStreams: ({ transport }) => transport.closeStandaloneSSEStream(),
    isBusy: transport => transport.hasCallsInFlight,
  });
  const streams: Connections<SSEServerTransport> = connections<SSEServerTransport>('sse', {
    endStreams: ({ id }) => streams.close(id),
  });
  const listens = new ListenStreams({ maxStreams: limits.maxSessions, logger, observer: createListenLog(options) });
  const modern = new ModernEndpoint({ logger, listens, keepAliveMs });
  const notifier = new ChangeNotifier({
    ...options,
    audiences: [
      new ConnectionAudience({ connections: sessions, logger }),
      new ConnectionAudience({ connections: streams, logger }),
      listens,
    ],
    onError: error => logger.error('Clients could not be told of a change', error),
  });
  notifier.start();
  const sweep = setInterval(() => {
    void sessions.closeIdle();
    void sessions.endExpiredStreams();
    void streams.endExpiredStreams();
    void listens.endExpired();
  }, SWEEP_MS);
  sweep.unref();

  return {
    streamable: new StreamableEndpoint({
      modern,
      keepAliveMs,
      sessions: new Sessions({
        sessions,
        keepAliveMs,
        retryMs: retryMilliseconds,
        createEvents: () => (replayEvents > 0 ? new MemorySentEvents({ maxEvents: replayEvents }) : undefined),
      }),
    }),
    sse: new SseStreams({ streams, logger, keepAliveMs }),
    async close() {
      clearInterval(sweep);
      notifier.close();
      await Promise.all([sessions.closeAll(), streams.closeAll(), listens.close(), modern.close()]);
    },
  };
}
