/**
 * The lines that differ, `-` for those that are gone and `+` for new ones. Lines that only moved are left out.
 *
 * @param {string} before
 * @param {string} after
 */
export function showDifference(before, after) {
  const removed = subtract(before.split('\n'), after.split('\n')).map(line => `- ${line}`);
  const added = subtract(after.split('\n'), before.split('\n')).map(line => `+ ${line}`);
  return [...removed, ...added].join('\n') || '  (the order of lines)';
}

/** Lines are counted: one of two equal lines may be gone. */
function subtract(lines, others) {
  const counts = new Map();
  for (const line of others) {
    counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  return lines.filter(line => {
    const left = counts.get(line) ?? 0;
    counts.set(line, left - 1);
    return left <= 0;
  });
}
