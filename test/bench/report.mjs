/** With this many actions, Callboard is to answer this many times as fast as upstream. */
export const goal = { count: 200, ratio: 8 };

export function median(values) {
  if (values.length === 0) {
    throw new Error('median: expected at least one value, got none');
  }
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Turns rounds into one row per number of actions, request and server.
 *
 * @param samples - `{ count, sources, request, server, …measured numbers }`, one per round.
 * @param baseline - The server that ratios refer to.
 * @returns Rows with the median of each number; `ratio` and `cpuRatio` say how many times better than the baseline.
 */
export function summarize(samples, baseline) {
  const groups = new Map();
  for (const sample of samples) {
    const key = JSON.stringify([sample.count, sample.request, sample.server]);
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  const rows = [...groups.values()].map(rounds => {
    const { count, sources, request, server } = rounds[0];
    const medianOf = name => median(rounds.map(round => round[name]));
    return {
      count,
      sources,
      request,
      server,
      rounds: rounds.length,
      requestsPerSecond: medianOf('requestsPerSecond'),
      p50Ms: medianOf('p50Ms'),
      p99Ms: medianOf('p99Ms'),
      cpuMicrosecondsPerRequest: medianOf('cpuMicrosecondsPerRequest'),
      residentBytes: medianOf('residentBytes'),
      answerBytes: medianOf('answerBytes'),
    };
  });
  return rows.map(row => {
    const reference = rows.find(
      other => other.server === baseline && other.count === row.count && other.request === row.request,
    );
    return {
      ...row,
      ratio: reference ? row.requestsPerSecond / reference.requestsPerSecond : undefined,
      cpuRatio: reference ? reference.cpuMicrosecondsPerRequest / row.cpuMicrosecondsPerRequest : undefined,
    };
  });
}

/**
 * Says whether the goal is met, by ratio only: absolute numbers belong to the machine.
 *
 * @returns One line per server and request that counts, and `met`, which is undefined if nothing that counts was
 * measured.
 */
export function judge(rows, baseline) {
  const judged = rows.filter(row => row.count === goal.count && row.server !== baseline && row.ratio !== undefined);
  return {
    met: judged.length === 0 ? undefined : judged.every(row => row.ratio >= goal.ratio),
    lines: judged.map(
      row =>
        `${row.ratio >= goal.ratio ? 'met   ' : 'missed'}  ${row.server}, ${row.request}, ${row.count} actions: ` +
        `${row.ratio.toFixed(1)} x ${baseline}, at least ${goal.ratio} expected`,
    ),
  };
}

const columns = [
  { title: 'actions', value: row => String(row.count) },
  { title: 'sources', value: row => String(row.sources) },
  { title: 'request', value: row => row.request, left: true },
  { title: 'server', value: row => row.server, left: true },
  { title: 'req/s', value: row => row.requestsPerSecond.toFixed(row.requestsPerSecond < 100 ? 1 : 0) },
  { title: 'times', value: row => formatRatio(row.ratio) },
  { title: 'p50 ms', value: row => formatMs(row.p50Ms) },
  { title: 'p99 ms', value: row => formatMs(row.p99Ms) },
  { title: 'CPU us/req', value: row => row.cpuMicrosecondsPerRequest.toFixed(0) },
  { title: 'times', value: row => formatRatio(row.cpuRatio) },
  { title: 'answer KB', value: row => (row.answerBytes / 1024).toFixed(1) },
  { title: 'RSS MB', value: row => (row.residentBytes / 1024 / 1024).toFixed(0) },
];

/** Lays rows out as a plain text table, with a blank line between requests and between numbers of actions. */
export function renderTable(rows) {
  const cells = rows.map(row => columns.map(column => column.value(row)));
  const widths = columns.map((column, index) =>
    Math.max(column.title.length, ...cells.map(line => line[index].length)),
  );
  const layOut = line =>
    line
      .map((cell, index) => (columns[index].left ? cell.padEnd(widths[index]) : cell.padStart(widths[index])))
      .join('  ')
      .trimEnd();
  const lines = [layOut(columns.map(column => column.title)), widths.map(width => '-'.repeat(width)).join('  ')];
  rows.forEach((row, index) => {
    const previous = rows[index - 1];
    if (previous && (previous.count !== row.count || previous.request !== row.request)) {
      lines.push('');
    }
    lines.push(layOut(cells[index]));
  });
  return lines.join('\n');
}

function formatRatio(ratio) {
  return ratio === undefined ? '-' : `${ratio.toFixed(1)} x`;
}

// autocannon counts in whole milliseconds.
function formatMs(milliseconds) {
  return milliseconds < 1 ? '< 1' : milliseconds.toFixed(0);
}
