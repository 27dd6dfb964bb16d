/** A stretch of text that is in both texts, or in one of them only. */
export interface Stretch {
  readonly text: string;
  readonly changed: boolean;
}

/** Of the table that is filled; beyond, everything between the first and the last difference counts as changed. */
const MAX_CELLS = 1_000_000;
const WORDS = /\p{L}[\p{L}\p{M}\p{N}_]*|\p{N}+|\s+|./gsu;

/** Finds the words that differ between two texts. */
export function diffWords(before: string, after: string): { before: Stretch[]; after: Stretch[] } {
  const [old, young] = [wordsOf(before), wordsOf(after)];
  let start = 0;
  while (start < old.length && start < young.length && old[start] === young[start]) {
    start += 1;
  }
  let end = 0;
  while (end < old.length - start && end < young.length - start && old.at(-1 - end) === young.at(-1 - end)) {
    end += 1;
  }
  const [oldMiddle, youngMiddle] = [old.slice(start, old.length - end), young.slice(start, young.length - end)];
  const common =
    oldMiddle.length * youngMiddle.length <= MAX_CELLS
      ? findCommon(oldMiddle, youngMiddle)
      : { old: new Set<number>(), young: new Set<number>() };
  const stretchesOf = (words: string[], middle: number, kept: Set<number>) =>
    join(words.map((text, at) => ({ text, changed: at >= start && at < start + middle && !kept.has(at - start) })));
  return {
    before: stretchesOf(old, oldMiddle.length, common.old),
    after: stretchesOf(young, youngMiddle.length, common.young),
  };
}

/** The places of a longest common subsequence in both lists. */
function findCommon(old: string[], young: string[]): { old: Set<number>; young: Set<number> } {
  const width = young.length + 1;
  const lengths = new Uint32Array((old.length + 1) * width);
  const at = (row: number, column: number) => lengths[row * width + column] ?? 0;
  for (let row = old.length - 1; row >= 0; row -= 1) {
    for (let column = young.length - 1; column >= 0; column -= 1) {
      lengths[row * width + column] =
        old[row] === young[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const common = { old: new Set<number>(), young: new Set<number>() };
  for (let row = 0, column = 0; row < old.length && column < young.length; ) {
    if (old[row] === young[column]) {
      common.old.add(row);
      common.young.add(column);
      row += 1;
      column += 1;
    } else if (at(row + 1, column) >= at(row, column + 1)) {
      row += 1;
    } else {
      column += 1;
    }
  }
  return common;
}

function wordsOf(text: string): string[] {
  return text.match(WORDS) ?? [];
}

/** Blanks between two changed words count as changed, so that stretches stay whole. */
function join(parts: Stretch[]): Stretch[] {
  const bridged = parts.map((part, at) => {
    const isBridge = /^\s+$/.test(part.text) && parts[at - 1]?.changed && parts[at + 1]?.changed;
    return isBridge ? { ...part, changed: true } : part;
  });
  const stretches: { text: string; changed: boolean }[] = [];
  for (const { text, changed } of bridged) {
    const last = stretches.at(-1);
    if (last?.changed === changed) {
      last.text += text;
    } else {
      stretches.push({ text, changed });
    }
  }
  return stretches;
}
