import type { AuditorService, LoggerService } from '@backstage/backend-plugin-api';
import { toError } from '@backstage/errors';
import type { ActionCatalogue, CatalogueEvents, Replicas } from '@callboard/actions';
import type { McpConfig } from '../config.js';
import { ChangeNotifier } from '../notifications/ChangeNotifier.js';
import { ConnectionAudience } from '../notifications/ConnectionAudience.js';
import { ListenStreams } from '../notifications/ListenStreams.js';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import type { Telemetry } from '../telemetry.js';
import type { ConnectionTransport } from './Connection.js';
import { ConnectionLink } from './ConnectionLink.js';
import { createConnectionLog, createListenLog } from './ConnectionLog.js';
import { Connections } from './Connections.js';
import { createSentEvents } from './createSentEvents.js';
import { ModernEndpoint } from './ModernEndpoint.js';
import { RemoteCalls } from './RemoteCalls.js';
import { RequestIds } from './RequestIds.js';
import { createSessionRecords } from './records/createSessionRecords.js';
import type { SessionKind } from './records/sessionKeys.js';
import { Sessions } from './Sessions.js';
import { SessionTransport } from './SessionTransport.js';
import { SseStreams } from './SseStreams.js';
import type { SseTransport } from './SseTransport.js';
import { StreamableEndpoint } from './StreamableEndpoint.js';

const SWEEP_MS = 15_000;

/**
 * Builds the transports and what they share, and tells their clients of changes. `close` ends every
 * session and stream, but for sessions that other replicas go on with.
 */
export function createTransports(options: {
  auditor: AuditorService;
  catalogue: Pick<ActionCatalogue, 'known'>;
  events: CatalogueEvents;
  logger: LoggerService;
  replicas: Replicas;
  servers: readonly PublishedServer[];
  telemetry: Telemetry;
  sessions: McpConfig['sessions'];
  streams: McpConfig['streams'];
}) {
  const { logger, replicas, servers, sessions: limits } = options;
  const retryMs = options.streams.retryMilliseconds;
  const keepAliveMs = options.streams.keepAliveSeconds * 1000;
  const ids = new RequestIds({ replicaId: replicas.redis && replicas.id });
  const connections = <TTransport extends ConnectionTransport>(
    kind: SessionKind,
    connect: ConstructorParameters<typeof Connections<TTransport>>[0]['connect'],
  ) =>
    new Connections<TTransport>({
      connect,
      ids,
      logger,
      servers,
      link: new ConnectionLink({ kind, replicas, logger }),
      records: createSessionRecords({ replicas, kind, limits }),
      observer: createConnectionLog({ ...options, transport: kind }),
    });

  const sessions: Connections<SessionTransport> = connections('streamable', async (id, server) => {
    const protocol = server.connectable();
    const transport = createTransport(id);
    await protocol.connect(transport);
    return { transport, protocol };
  });
  const remoteCalls = new RemoteCalls({ sessions, replicas, logger });
  const createTransport = (id: string) =>
    new SessionTransport({
      sessionId: id,
      ids,
      retryMs,
      events: createSentEvents({ replicas, logger, limits, sessionId: id, maxEvents: options.streams.replayEvents }),
      newStreamId: () => remoteCalls.newStreamId(),
      // The client has as long to fetch an answer as it has to ask for the next.
      onIdle: () => sessions.touch({ id }),
    });
  const streams: Connections<SseTransport> = connections('sse', (id, server, { speaker }) =>
    sse.connect(id, server, speaker ?? ''),
  );
  const sse = new SseStreams({ streams, replicas, ids, logger, keepAliveMs });

  const listens = new ListenStreams({ maxStreams: limits.maxSessions, logger, observer: createListenLog(options) });
  const modern = new ModernEndpoint({ logger, listens, keepAliveMs });
  const sessionAudience = new ConnectionAudience({ connections: sessions, logger });
  const notifier = new ChangeNotifier({
    ...options,
    audiences: [sessionAudience, new ConnectionAudience({ connections: streams, logger }), listens],
    onError: error => logger.error('Clients could not be told of a change', error),
  });
  sessions.open();
  streams.open();
  remoteCalls.open();
  sse.listen();
  notifier.start();
  const sweep = setInterval(() => {
    for (const swept of [sessions, streams]) {
      swept.sweep().catch(error => logger.debug('Sessions could not be looked through', toError(error)));
      swept.endExpiredStreams();
    }
    void listens.endExpired();
  }, SWEEP_MS);
  sweep.unref();

  return {
    streamable: new StreamableEndpoint({
      modern,
      keepAliveMs,
      sessions: new Sessions({
        sessions,
        createTransport,
        remoteCalls,
        keepAliveMs,
        retryMs,
        onUnheard: (session, what) => void sessionAudience.tellWhatMayHaveChanged(session, what),
      }),
    }),
    sse,
    async close() {
      clearInterval(sweep);
      notifier.close();
      remoteCalls.close();
      sse.close();
      await Promise.all([
        sessions.closeAll({ isLeft: () => true }),
        // Those of other replicas, which have their streams.
        streams.closeAll({ isLeft: ({ listens }) => !listens }),
        listens.close(),
        modern.close(),
      ]);
    },
  };
}
