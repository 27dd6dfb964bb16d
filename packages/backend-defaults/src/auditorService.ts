import {
  type AuditorService,
  type AuditorServiceCreateEventOptions,
  coreServices,
  createServiceFactory,
  type LoggerService,
} from '@backstage/backend-plugin-api';
import { InputError } from '@backstage/errors';
import type { JsonObject } from '@backstage/types';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
type Level = (typeof LEVELS)[number];
type Severity = NonNullable<AuditorServiceCreateEventOptions['severityLevel']>;
const DEFAULT_LEVELS: Record<Severity, Level> = { low: 'debug', medium: 'info', high: 'info', critical: 'info' };

type Stage = { status: 'initiated' | 'succeeded' } | { status: 'failed'; error: Error };

/**
 * Writes the same audit events as Backstage's own auditor, which makes credentials of its own for each
 * before it looks whose the request is.
 */
export const auditorServiceFactory = createServiceFactory({
  service: coreServices.auditor,
  deps: {
    auth: coreServices.auth,
    config: coreServices.rootConfig,
    httpAuth: coreServices.httpAuth,
    logger: coreServices.logger,
    plugin: coreServices.pluginMetadata,
  },
  factory({ auth, config, httpAuth, logger, plugin }): AuditorService {
    const levels = readLevels(key => config.getOptionalString(`backend.auditor.severityLogLevelMappings.${key}`));
    const auditLogger = logger.child({ isAuditEvent: true });

    const actorOf = async (request: AuditorServiceCreateEventOptions['request']): Promise<string | undefined> => {
      const credentials = request ? await httpAuth.credentials(request) : await auth.getOwnServiceCredentials();
      return auth.isPrincipal(credentials, 'user')
        ? credentials.principal.userEntityRef
        : auth.isPrincipal(credentials, 'service')
          ? credentials.principal.subject
          : undefined;
    };
    const write = (
      { eventId, severityLevel = 'low', request }: AuditorServiceCreateEventOptions,
      actorId: string | undefined,
      meta: JsonObject | undefined,
      stage: Stage,
    ) => {
      const { error, ...status } = stage as { status: string; error?: Error };
      const event = {
        plugin: plugin.getId(),
        eventId,
        severityLevel,
        actor: {
          actorId,
          ip: request?.ip,
          hostname: request?.hostname,
          userAgent: request?.get('user-agent'),
        },
        ...(request && { request: { url: request.originalUrl, method: request.method } }),
        ...(meta && Object.keys(meta).length > 0 && { meta }),
        ...status,
      } as JsonObject;
      log(
        error ? auditLogger.child(event) : auditLogger,
        levels[severityLevel],
        `${plugin.getId()}.${eventId}`,
        error ?? event,
      );
    };

    return {
      async createEvent(options) {
        const actorId = await actorOf(options.request);
        write(options, actorId, options.meta, { status: 'initiated' });
        return {
          async success(ended) {
            write(options, actorId, Object.assign({}, options.meta, ended?.meta), { status: 'succeeded' });
          },
          async fail(ended) {
            write(options, actorId, Object.assign({}, options.meta, ended.meta), {
              status: 'failed',
              error: ended.error,
            });
          },
        };
      },
    };
  },
});

function log(logger: LoggerService, level: Level, message: string, meta: Error | JsonObject): void {
  logger[level](message, meta);
}

function readLevels(read: (severity: Severity) => string | undefined): Record<Severity, Level> {
  const levels = { ...DEFAULT_LEVELS };
  for (const severity of Object.keys(levels) as Severity[]) {
    const given = read(severity);
    if (given !== undefined && !LEVELS.includes(given as Level)) {
      throw new InputError(
        `backend.auditor.severityLogLevelMappings.${severity}: expected one of ${LEVELS.join(', ')}, got ${JSON.stringify(given)}`,
      );
    }
    levels[severity] = (given as Level | undefined) ?? levels[severity];
  }
  return levels;
}
