import { type Config, readDurationFromConfig } from '@backstage/config';
import { InputError, toError } from '@backstage/errors';
import { durationToMilliseconds } from '@backstage/types';

/** How a stop is spread over time. */
export interface StopTimes {
  /** How long requests are taken as ever, after readiness has begun to fail. */
  readonly delayMs: number;
  /** How long calls under way may take from then on. */
  readonly drainMs: number;
}

const DEFAULT_DRAIN_MS = 3_000;

/** @throws InputError for what is no duration. */
export function readStopTimes(config: Config): StopTimes {
  return {
    // Backstage's own key.
    delayMs: readDuration(config, 'backend.lifecycle.serverShutdownDelay') ?? 0,
    drainMs: readDuration(config, 'backend.lifecycle.drainTimeout') ?? DEFAULT_DRAIN_MS,
  };
}

function readDuration(config: Config, key: string): number | undefined {
  if (!config.has(key)) {
    return undefined;
  }
  try {
    return durationToMilliseconds(readDurationFromConfig(config, { key }));
  } catch (error) {
    throw new InputError(`${key}: expected a duration such as 20s, got what is none: ${toError(error).message}`);
  }
}
