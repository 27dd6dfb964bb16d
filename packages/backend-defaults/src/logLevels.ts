import type { JsonObject, JsonPrimitive } from '@backstage/types';

/** From the most important to the least. */
export const logLevels: readonly string[] = ['error', 'warn', 'info', 'http', 'verbose', 'debug', 'silly'];

/** Says which lines have another level than the rest, as in `backend.logger.overrides`. */
export interface LevelOverride {
  /** Values of fields; of several one is enough. Text between slashes is a regular expression. */
  readonly matchers: Readonly<Record<string, JsonPrimitive | JsonPrimitive[]>>;
  /** What is less important than this is not written. */
  readonly level: string;
}

/** Whether a line is important enough. The first override that fits it counts, otherwise the usual level. */
export type LevelFilter = (entry: JsonObject & { level: string }) => boolean;

export function createLevelFilter(options: { level: string; overrides: readonly LevelOverride[] }): LevelFilter {
  const least = logLevels.indexOf(options.level);
  const overrides = options.overrides.map(({ matchers, level }) => ({
    matchers: Object.entries(matchers).map(([field, wanted]) => ({ field, fits: createMatcher(wanted) })),
    least: logLevels.indexOf(level),
  }));
  return entry => {
    const override = overrides.find(({ matchers }) => matchers.every(({ field, fits }) => fits(entry[field])));
    return logLevels.indexOf(entry.level) <= (override?.least ?? least);
  };
}

function createMatcher(wanted: JsonPrimitive | JsonPrimitive[]): (value: unknown) => boolean {
  if (Array.isArray(wanted)) {
    const matchers = wanted.map(createMatcher);
    return value => matchers.some(fits => fits(value));
  }
  const pattern = typeof wanted === 'string' ? readPattern(wanted) : undefined;
  return pattern ? value => typeof value === 'string' && pattern.test(value) : value => value === wanted;
}

/** @returns `undefined` for what is no regular expression, which stands for itself then. */
function readPattern(text: string): RegExp | undefined {
  const [, pattern, flags] = /^\/(.*)\/([^/]*)$/s.exec(text) ?? [];
  if (pattern === undefined) {
    return undefined;
  }
  try {
    // With `g` or `y`, each test would begin where the one before ended.
    return new RegExp(pattern, flags?.replace(/[gy]/g, ''));
  } catch {
    return undefined;
  }
}
