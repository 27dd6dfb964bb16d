import { WinstonLogger, type WinstonLoggerLevelOverride } from '@backstage/backend-defaults/rootLogger';
import { coreServices, createServiceFactory, type RootConfigService } from '@backstage/backend-plugin-api';
import { InputError } from '@backstage/errors';
import type { JsonObject } from '@backstage/types';
import winston from 'winston';
import { findConfigSecrets } from './configSecrets.js';

/**
 * Backstage's logger with its settings (`backend.logger.*`, `LOG_LEVEL`). It finds the secrets to
 * redact without config schemas, and writes colours to terminals only.
 */
export const rootLoggerServiceFactory = createServiceFactory({
  service: coreServices.rootLogger,
  deps: { config: coreServices.rootConfig },
  factory({ config }) {
    const { level, meta, overrides } = readLoggerConfig(config);
    const logger = WinstonLogger.create({
      level,
      meta: { service: 'callboard', ...meta },
      format: logFormat(),
      transports: [new winston.transports.Console()],
    });
    logger.addRedactions(findConfigSecrets(config.getOptional()));
    logger.setLevelOverrides(overrides);
    return logger;
  },
});

interface LoggerConfig {
  level: string;
  meta: JsonObject | undefined;
  overrides: WinstonLoggerLevelOverride[];
}

function readLoggerConfig(config: RootConfigService): LoggerConfig {
  const level = config.getOptionalString('backend.logger.level') ?? 'info';
  const meta = config.getOptional<JsonObject>('backend.logger.meta');
  const overrides = (config.getOptionalConfigArray('backend.logger.overrides') ?? []).map(override => ({
    level: override.getString('level'),
    matchers: override.get<WinstonLoggerLevelOverride['matchers']>('matchers'),
  }));
  const used = [
    { path: 'backend.logger.level', found: level },
    ...overrides.map((override, index) => ({
      path: `backend.logger.overrides[${index}].level`,
      found: override.level,
    })),
    ...(process.env.LOG_LEVEL ? [{ path: 'LOG_LEVEL', found: process.env.LOG_LEVEL }] : []),
  ];
  // Winston writes everything at a level that it does not know.
  const mistakes = used.filter(({ found }) => !(found in winston.config.npm.levels));
  if (mistakes.length > 0) {
    const known = Object.keys(winston.config.npm.levels).join(', ');
    throw new InputError(
      mistakes.map(({ path, found }) => `${path}: expected one of ${known}, got ${found}`).join('\n'),
    );
  }
  return { level, meta, overrides };
}

function logFormat() {
  if (process.env.NODE_ENV === 'production') {
    return winston.format.json();
  }
  const colours = process.stdout.isTTY && !process.env.NO_COLOR;
  const text = WinstonLogger.colorFormat();
  return winston.format.combine(
    withoutStartupFailures(),
    colours ? text : winston.format.combine(text, winston.format.uncolorize()),
  );
}

/** What ends the start is thrown by it, for all plugins together; stacks of each in the log would bury that. */
const withoutStartupFailures = winston.format(entry => {
  const message = String(entry.message);
  const endsTheStart =
    entry.type === 'initialization' &&
    message.includes(' threw an error during startup') &&
    !message.includes('boot failure is permitted');
  return endsTheStart ? false : entry;
});
