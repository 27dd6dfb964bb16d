import type { AuditorService, LoggerService } from '@backstage/backend-plugin-api';
import { asExpressRequest } from '../HttpRequest.js';
import type { Listen, ListenObserver } from '../notifications/ListenStreams.js';
import type { Telemetry } from '../telemetry.js';
import type { Connection, ConnectionObserver } from './Connection.js';

interface Recording {
  auditor: AuditorService;
  logger: LoggerService;
}

/** Puts connections that come and go on record: audit events and the session metric. */
export function createConnectionLog(
  options: Recording & {
    telemetry: Telemetry;
    /** As upstream names them. */
    transport: 'streamable' | 'sse';
  },
): ConnectionObserver {
  const record = recorderOf(options, options.transport);
  return {
    opened: (connection, { request }) => record('established', connection, { request: asExpressRequest(request) }),
    closed: (connection, durationMs) => {
      record('closed', connection, { durationMs });
      options.telemetry.recordSession(durationMs, connection.protocolVersion);
    },
  };
}

/** Puts listen streams that come and go on record; they are no sessions, which are measured. */
export function createListenLog(options: Recording): ListenObserver {
  const record = recorderOf(options, 'listen');
  return {
    opened: (listen, { request }) => record('established', listen, { request: asExpressRequest(request) }),
    closed: (listen, durationMs) => record('closed', listen, { durationMs }),
  };
}

function recorderOf({ auditor, logger }: Recording, transport: string) {
  return (
    actionType: 'established' | 'closed',
    { principal, server }: Pick<Connection<unknown> | Listen, 'principal' | 'server'>,
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
}
