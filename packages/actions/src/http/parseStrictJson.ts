/** Limits on what is worth parsing at all. */
export interface JsonLimits {
  maxDepth: number;
  maxKeys: number;
}

/** Text that is not JSON, or JSON that two readers could understand differently. */
export class StrictJsonError extends Error {
  override name = 'StrictJsonError';
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COLON = 0x3a;

/**
 * Parses JSON that can mean one thing only: no key twice in an object, no unpaired surrogates, and
 * within the limits, which are checked before anything is built.
 *
 * @throws StrictJsonError
 */
export function parseStrictJson(text: string, limits: JsonLimits): unknown {
  checkStructure(text, limits);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new StrictJsonError((error as Error).message);
  }
  return value;
}

// Walks over brackets and strings only; whether the rest is well formed, JSON.parse decides.
function checkStructure(text: string, { maxDepth, maxKeys }: JsonLimits): void {
  const keysOfOpenObjects: (Set<string> | undefined)[] = [];
  let keys = 0;
  for (let i = 0; i < text.length; i += 1) {
    switch (text.charCodeAt(i)) {
      case OPEN_BRACE:
      case OPEN_BRACKET:
        if (keysOfOpenObjects.length >= maxDepth) {
          throw new StrictJsonError(`nested more than ${maxDepth} levels deep`);
        }
        keysOfOpenObjects.push(text.charCodeAt(i) === OPEN_BRACE ? new Set() : undefined);
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        keysOfOpenObjects.pop();
        break;
      case QUOTE: {
        const end = findStringEnd(text, i + 1);
        const content = readString(text.slice(i, end + 1));
        if (isFollowedByColon(text, end + 1)) {
          keys += 1;
          if (keys > maxKeys) {
            throw new StrictJsonError(`more than ${maxKeys} keys`);
          }
          const open = keysOfOpenObjects.at(-1);
          if (open?.has(content)) {
            throw new StrictJsonError(`the key ${JSON.stringify(content.slice(0, 80))} appears twice in one object`);
          }
          open?.add(content);
        }
        i = end;
        break;
      }
    }
  }
}

function findStringEnd(text: string, from: number): number {
  for (let i = from; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === BACKSLASH) {
      i += 1;
    } else if (code === QUOTE) {
      return i;
    }
  }
  throw new StrictJsonError('a string does not end');
}

function readString(quoted: string): string {
  if (!quoted.includes('\\')) {
    return quoted.slice(1, -1);
  }
  let content: string;
  try {
    content = JSON.parse(quoted);
  } catch (error) {
    throw new StrictJsonError((error as Error).message);
  }
  if (!content.isWellFormed()) {
    throw new StrictJsonError('a string has an unpaired surrogate');
  }
  return content;
}

function isFollowedByColon(text: string, from: number): boolean {
  for (let i = from; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) {
      return code === COLON;
    }
  }
  return false;
}
