import type { LoggerService, RootLoggerService } from '@backstage/backend-plugin-api';
import type { JsonObject } from '@backstage/types';

/** A line of the log with its fields; audit events are lines with `isAuditEvent`. */
export interface LogEntry extends Record<string, unknown> {
  level: 'error' | 'warn' | 'info' | 'debug';
  message: string;
}

/** A root logger that keeps lines instead of writing them. */
export function recordingLogger(): { logger: RootLoggerService; logs: LogEntry[] } {
  const logs: LogEntry[] = [];
  const create = (context: JsonObject): LoggerService => {
    const at = (level: LogEntry['level']) => (message: string, meta?: Error | JsonObject) =>
      void logs.push({ ...context, ...(meta instanceof Error ? { error: meta } : meta), level, message });
    return {
      error: at('error'),
      warn: at('warn'),
      info: at('info'),
      debug: at('debug'),
      child: meta => create({ ...context, ...meta }),
    };
  };
  return { logger: create({}), logs };
}
