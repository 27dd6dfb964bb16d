import { coreServices, createServiceFactory, createServiceRef } from '@backstage/backend-plugin-api';
import { alertsServiceRef, auditTrailsServiceRef } from '@callboard/actions-api';
import { AuditRecorder } from './AuditRecorder.js';
import { type AuditConfig, readAuditConfig } from './config.js';

export interface RecorderService {
  readonly settings: AuditConfig;
  /** The plugin opens it. */
  readonly recorder: AuditRecorder;
}

export const recorderServiceRef = createServiceRef<RecorderService>({ id: 'callboard.auditRecorder', scope: 'root' });

/** There before any plugin starts, so that no call of theirs comes before the trail. */
export const recorderServiceFactory = createServiceFactory({
  service: recorderServiceRef,
  initialization: 'always',
  deps: {
    config: coreServices.rootConfig,
    logger: coreServices.rootLogger,
    alerts: alertsServiceRef,
    trails: auditTrailsServiceRef,
  },
  async factory({ config, logger, alerts, trails }) {
    const settings = readAuditConfig(config);
    const { failureMode, maxInputBytes, usesOpenTelemetry } = settings;
    // Where nobody collects them, OpenTelemetry's logs need not be loaded.
    const openTelemetry = usesOpenTelemetry ? await import('./OpenTelemetryLogs.js') : undefined;
    const recorder = new AuditRecorder({
      failureMode,
      maxInputBytes,
      logger: logger.child({ plugin: 'audit' }),
      alerts,
      ...(openTelemetry && { listener: new openTelemetry.OpenTelemetryLogs() }),
      now: () => new Date(),
    });
    if (settings.enabled) {
      trails.add(recorder);
    }
    return { settings, recorder };
  },
});
