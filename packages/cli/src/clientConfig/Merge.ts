/** What is put where. */
export interface Merge {
  /** What is in the file; empty if there is none. */
  readonly text: string;
  /** Its name, for messages. */
  readonly file: string;
  readonly path: readonly [serversKey: string, name: string];
  readonly entry: Readonly<Record<string, unknown>>;
  readonly ownFields: readonly string[];
}

/** Counted from 1, as editors do. */
export function placeOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1) as string).length + 1 };
}
