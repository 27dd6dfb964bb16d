import { coreServices, createServiceFactory, type RootConfigService } from '@backstage/backend-plugin-api';
import { InputError } from '@backstage/errors';
import type { JsonObject } from '@backstage/types';
import { findConfigSecrets } from './configSecrets.js';
import { LineBuffer } from './LineBuffer.js';
import { type Entry, findSecrets, jsonLine, LineLogger } from './LineLogger.js';
import { createLevelFilter, type LevelOverride, logLevels } from './logLevels.js';
import { textLine } from './textLine.js';

/**
 * A logger with the settings of Backstage's (`backend.logger.*`, `LOG_LEVEL`) and its lines: JSON in production, text
 * otherwise. It finds the secrets to redact without config schemas, and writes colours to terminals only.
 */
export const rootLoggerServiceFactory = createServiceFactory({
  service: coreServices.rootLogger,
  deps: { config: coreServices.rootConfig },
  factory({ config }) {
    const { level, meta, overrides } = readLoggerConfig(config);
    const buffer = new LineBuffer({ stream: process.stdout, onExit: flush => process.once('exit', flush) });
    return new LineLogger({
      lines: {
        level,
        ...(overrides.length > 0 && { filter: createLevelFilter({ level, overrides }) }),
        secrets: findSecrets(findConfigSecrets(config.getOptional())),
        render: lineFormat(),
        write: line => buffer.write(line),
      },
      meta: { service: 'callboard', ...meta },
    });
  },
});

interface LoggerConfig {
  level: string;
  meta: JsonObject | undefined;
  overrides: LevelOverride[];
}

function readLoggerConfig(config: RootConfigService): LoggerConfig {
  const level = config.getOptionalString('backend.logger.level') ?? 'info';
  const meta = config.getOptional<JsonObject>('backend.logger.meta');
  const overrides = (config.getOptionalConfigArray('backend.logger.overrides') ?? []).map(override => ({
    level: override.getString('level'),
    matchers: override.get<LevelOverride['matchers']>('matchers'),
  }));
  const used = [
    { path: 'backend.logger.level', found: level },
    ...overrides.map((override, index) => ({
      path: `backend.logger.overrides[${index}].level`,
      found: override.level,
    })),
    ...(process.env.LOG_LEVEL ? [{ path: 'LOG_LEVEL', found: process.env.LOG_LEVEL }] : []),
  ];
  const mistakes = used.filter(({ found }) => !logLevels.includes(found));
  if (mistakes.length > 0) {
    const known = logLevels.join(', ');
    throw new InputError(
      mistakes.map(({ path, found }) => `${path}: expected one of ${known}, got ${found}`).join('\n'),
    );
  }
  return { level: process.env.LOG_LEVEL || level, meta, overrides };
}

function lineFormat(): (entry: Entry) => string | undefined {
  if (process.env.NODE_ENV === 'production') {
    return jsonLine;
  }
  const colours = process.stdout.isTTY && !process.env.NO_COLOR;
  return entry => (endsTheStart(entry) ? undefined : textLine(entry, { colours }));
}

/** What ends the start is thrown by it, for all plugins together; stacks of each in the log would bury that. */
function endsTheStart({ type, message }: Entry): boolean {
  return (
    type === 'initialization' &&
    message.includes(' threw an error during startup') &&
    !message.includes('boot failure is permitted')
  );
}
