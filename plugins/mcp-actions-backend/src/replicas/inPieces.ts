import type { JsonValue } from '@backstage/types';

/** Of JSON: however much has to be escaped in it, and wherever it goes, a message can be so long. */
const MAX_CHARACTERS = 100_000;

/** Cuts a value that is too long for one message into texts, which together are its JSON. */
export function inPieces(value: JsonValue): string[] {
  const json = JSON.stringify(value);
  return Array.from({ length: Math.ceil(json.length / MAX_CHARACTERS) }, (_, index) =>
    json.slice(index * MAX_CHARACTERS, (index + 1) * MAX_CHARACTERS),
  );
}
