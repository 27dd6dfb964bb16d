import type { JsonObject } from '@backstage/types';

const levelColours: Record<string, number> = {
  error: 31,
  warn: 33,
  info: 32,
  http: 32,
  verbose: 36,
  debug: 90,
  silly: 35,
};
const BLUE = 34;
const CYAN = 36;

/** A line for people: time, plugin, level and message, and what else there is. It is how Backstage writes them. */
export function textLine(entry: JsonObject, options: { colours: boolean }): string {
  const { timestamp = new Date().toISOString(), level, message, plugin, service, ...fields } = entry;
  const paint = (code: number, text: string) => (options.colours ? `\u001b[${code}m${text}\u001b[39m` : text);
  const time = options.colours ? `\u001b[2m${timestamp}\u001b[22m` : timestamp;
  const prefix = paint(BLUE, String(plugin || service));
  const shownLevel = paint(levelColours[String(level)] ?? BLUE, String(level));
  const rest = Object.entries(fields).map(([name, value]) => `${paint(CYAN, name)}=${show(value)}`);
  return `${time} ${prefix} ${shownLevel} ${message} ${rest.join(' ')}`;
}

function show(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    // Of the rest of the line, people should see what there is.
    return '[field value not castable to string]';
  }
}
