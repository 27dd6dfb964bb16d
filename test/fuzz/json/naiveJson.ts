/** What a plain reader of JSON says, which was written for nothing but to be compared with. */
export type NaiveReading = { readonly value: unknown } | { readonly problem: string };

class Malformed extends Error {}

/** Reads JSON letter by letter (RFC 8259), and takes neither a key twice nor half a character. */
export function readNaively(text: string, limits: { maxDepth: number; maxKeys: number }): NaiveReading {
  let at = 0;
  let keys = 0;
  const fail = (problem: string): never => {
    throw new Malformed(problem);
  };
  const skipBlanks = () => {
    while (' \t\n\r'.includes(text[at] ?? 'x')) {
      at += 1;
    }
  };
  const take = (expected: string) => {
    if (!text.startsWith(expected, at)) {
      fail(`expected ${expected} at ${at}`);
    }
    at += expected.length;
  };

  const readText = (): string => {
    take('"');
    let value = '';
    for (;;) {
      const letter = text[at] ?? fail('a text that does not end');
      at += 1;
      if (letter === '"') {
        return value.isWellFormed() ? value : fail('half a character');
      }
      if (letter < ' ') {
        fail('a control character in a text');
      }
      value += letter === '\\' ? readEscape() : letter;
    }
  };
  const readEscape = (): string => {
    const letter = text[at] ?? '';
    at += 1;
    const short = new Map(
      Object.entries({ '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }),
    );
    if (short.has(letter)) {
      return short.get(letter) as string;
    }
    const code = text.slice(at, at + 4);
    if (letter !== 'u' || !/^[0-9a-fA-F]{4}$/.test(code)) {
      fail('an unknown escape');
    }
    at += 4;
    return String.fromCharCode(Number.parseInt(code, 16));
  };
  const readObject = (depth: number): object => {
    const object = {};
    take('{');
    skipBlanks();
    for (let isFirst = true; text[at] !== '}'; isFirst = false) {
      if (!isFirst) {
        take(',');
        skipBlanks();
      }
      const key = readText();
      keys += 1;
      if (keys > limits.maxKeys) {
        fail('too many keys');
      }
      if (Object.hasOwn(object, key)) {
        fail('a key twice');
      }
      skipBlanks();
      take(':');
      Object.defineProperty(object, key, {
        value: readValue(depth),
        enumerable: true,
        configurable: true,
        writable: true,
      });
      skipBlanks();
    }
    at += 1;
    return object;
  };
  const readArray = (depth: number): unknown[] => {
    const items: unknown[] = [];
    take('[');
    skipBlanks();
    while (text[at] !== ']') {
      if (items.length > 0) {
        take(',');
      }
      items.push(readValue(depth));
      skipBlanks();
    }
    at += 1;
    return items;
  };
  const readNumber = (): number => {
    const [number] = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/.exec(text.slice(at)) ?? fail(`nothing at ${at}`);
    at += number.length;
    return Number(number);
  };
  const readValue = (depth: number): unknown => {
    skipBlanks();
    switch (text[at]) {
      case '{':
      case '[':
        if (depth >= limits.maxDepth) {
          fail('too deep');
        }
        return text[at] === '{' ? readObject(depth + 1) : readArray(depth + 1);
      case '"':
        return readText();
      case 't':
        take('true');
        return true;
      case 'f':
        take('false');
        return false;
      case 'n':
        take('null');
        return null;
      default:
        return readNumber();
    }
  };

  try {
    const value = readValue(0);
    skipBlanks();
    return at === text.length ? { value } : { problem: `something after the end, at ${at}` };
  } catch (error) {
    if (error instanceof Malformed) {
      return { problem: error.message };
    }
    throw error;
  }
}
