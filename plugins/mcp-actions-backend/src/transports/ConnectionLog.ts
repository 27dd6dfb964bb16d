import type { AuditorService, LoggerService } from '@backstage/backend-plugin-api';
import type { Telemetry } from '../telemetry.js';
import type { Connection, ConnectionObserver } from './Connections.js';

/** Puts connections that come and go on record: audit events and the session metric. */
export function createConnectionLog(options: {
  auditor: AuditorService;
  logger: LoggerService;
  telemetry: Telemetry;
  /** As upstream names them: `streamable` or `sse`. */
  transport: string;
}): ConnectionObserver {
  const { auditor, logger, telemetry, transport } = options;
  const record = (
    actionType: 'established' | 'closed',
    { principal, server }: Connection<unknown>,
    rest: { request?: Parameters<AuditorService['createEvent']>[0]['request']; durationMs?: number },
  ) => {
    const { request, ...more } = rest;
    auditor
      .createEvent({
        eventId: 'connection',
        ...(request && { request }),
        meta: { transport, actionType, principal, ...(server.config.key && { server: server.config.key }), ...more },
      })
      .then(event => event.success())
      .catch(error => logger.error('An audit event of a connection could not be written', error));
  };
  return {
    opened: (connection, { request }) => record('established', connection, { request }),
    closed: (connection, durationMs) => {
      record('closed', connection, { durationMs });
      telemetry.recordSession(durationMs, connection.protocol.getNegotiatedProtocolVersion());
    },
  };
}
