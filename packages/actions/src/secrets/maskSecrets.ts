const MASK = '***';
/** Shorter ones are part of ordinary words and numbers. */
const MIN_LENGTH = 4;
const MAX_DEPTH = 8;

/**
 * Takes secrets out of what an action throws, which may repeat what it was given, before anybody
 * records, logs or answers it: out of its texts and fields, and those of its causes.
 *
 * @param secrets - JSON; its texts and numbers of four characters or more are looked for.
 * @returns what to go on with: the same object, changed in place, unless it is no object or cannot be changed.
 */
export function maskSecrets(thrown: unknown, secrets: unknown): unknown {
  const texts = textsOf(secrets).sort((a, b) => b.length - a.length);
  if (texts.length === 0) {
    return thrown;
  }
  try {
    return maskThrown(
      thrown,
      text => texts.reduce((masked, secret) => masked.replaceAll(secret, MASK), text),
      new Set(),
    );
  } catch {
    // Such as by a getter of the error's own.
    return new Error('What was thrown cannot be read');
  }
}

type Mask = (text: string) => string;

/** @param seen - errors that are being masked: causes may go in a circle. */
function maskThrown(thrown: unknown, mask: Mask, seen: Set<unknown>): unknown {
  if (!isErrorLike(thrown)) {
    return maskField(thrown, mask);
  }
  if (seen.has(thrown)) {
    return thrown;
  }
  seen.add(thrown);
  // A name is mostly that of the class.
  for (const key of new Set(['name', 'message', ...Object.getOwnPropertyNames(thrown)])) {
    const value = thrown[key];
    const masked = Array.isArray(value) ? maskList(value, mask, seen) : maskThrown(value, mask, seen);
    if (
      masked !== value &&
      !Reflect.defineProperty(thrown, key, { value: masked, configurable: true, writable: true })
    ) {
      return copyOf(thrown, mask);
    }
  }
  return thrown;
}

/** Such as the errors of an AggregateError. */
function maskList(list: readonly unknown[], mask: Mask, seen: Set<unknown>): unknown {
  const masked = list.map(one => maskThrown(one, mask, seen));
  return masked.every((one, index) => one === list[index]) ? list : masked;
}

/** Anything but an error: a text without secrets, or the mask for what has one somewhere inside. */
function maskField(value: unknown, mask: Mask): unknown {
  if (typeof value === 'function' || value === undefined || value === null) {
    return value;
  }
  if (typeof value === 'string') {
    return mask(value);
  }
  let text: string;
  try {
    text = typeof value === 'object' ? (JSON.stringify(value) ?? '') : String(value);
  } catch {
    // Nobody can tell what is in it.
    return MASK;
  }
  return mask(text) === text ? value : MASK;
}

/** Of an error that is frozen. */
function copyOf({ name, message, stack }: ErrorLike, mask: Mask): Error {
  const copy = new Error(mask(message));
  return Object.assign(copy, { name: mask(name), ...(typeof stack === 'string' && { stack: mask(stack) }) });
}

interface ErrorLike extends Record<string, unknown> {
  readonly name: string;
  readonly message: string;
}

/** As `isError` of @backstage/errors, which goes by names, too. */
function isErrorLike(value: unknown): value is ErrorLike {
  const { name, message } = (typeof value === 'object' && value !== null ? value : {}) as Partial<ErrorLike>;
  return typeof name === 'string' && typeof message === 'string';
}

/** All that is said in a value, each with the forms in which a message may repeat it. */
export function textsOf(value: unknown, depth = 0): string[] {
  if (typeof value === 'object' && value !== null) {
    return depth > MAX_DEPTH ? [] : Object.values(value).flatMap(member => textsOf(member, depth + 1));
  }
  const text = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  return text.length < MIN_LENGTH
    ? []
    : [...new Set([text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text.toWellFormed())])];
}
