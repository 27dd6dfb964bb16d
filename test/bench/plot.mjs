import { describeSpecials } from './cases.mjs';
import { formatCount, formatRate } from './report.mjs';
import { getServer } from './servers.mjs';

const width = 800;
const margin = 16;
const labelWidth = 330;
const barHeight = 18;
const barStep = 26;
const titleHeight = 34;
const valueWidth = 80;

// GitHub shows pictures in pages of either kind, and the picture has no background of its own.
const style = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; }
  .bar { fill: #8c959f; }
  .ours { fill: #0969da; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .bar { fill: #6e7681; }
    .ours { fill: #58a6ff; }
  }`;

/**
 * Draws requests per second as bars: a panel per request of the first group, and how they change with the number of
 * actions where that was measured.
 *
 * @param rows - As `summarize` returns them.
 * @returns An SVG picture.
 */
export function drawPlot(rows) {
  const panels = listPanels(rows);
  let top = margin;
  const parts = panels.map(panel => {
    const part = drawPanel(panel, top);
    top += titleHeight + panel.bars.length * barStep + margin;
    return part;
  });
  const alternative = panels.map(({ title }) => title).join('; ');
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${top}" width="${width}" height="${top}" role="img" aria-label="${escapeXml(alternative)}">`,
    `<style>${style}\n</style>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

function listPanels(rows) {
  const firstGroup = rows[0].group;
  const sideBySide = ['tools/call', 'tools/list'].map(request => ({
    title: `${request} with 200 actions, requests per second`,
    bars: rows.filter(row => row.group === firstGroup && row.request === request).map(row => toBar(row, nameServer)),
  }));
  const bySize = rows.filter(row => row.group === 'sizes' && row.request === 'tools/call');
  return [
    ...sideBySide,
    {
      title: 'tools/call by number of actions and sources, requests per second',
      bars: bySize.map(row => toBar(row, nameSize)),
    },
  ].filter(({ bars }) => bars.length > 0);
}

function toBar(row, nameOf) {
  return { label: nameOf(row), value: row.requestsPerSecond, isOurs: ['standalone', 'stock'].includes(row.server) };
}

function nameServer(row) {
  return [
    getServer(row.server).title,
    ...(row.actions === 200 ? [] : [`${formatCount(row.actions)} ${row.actions === 1 ? 'tool' : 'tools'}`]),
    ...(row.sources === 1 ? [] : [`${row.sources} sources`]),
    ...[describeSpecials(row)].filter(Boolean),
  ].join(', ');
}

function nameSize(row) {
  const name = row.server === 'standalone' ? 'Callboard' : row.server;
  const size = `${formatCount(row.actions)} of ${row.sources} ${row.sources === 1 ? 'source' : 'sources'}`;
  return [name, size, ...[describeSpecials(row)].filter(Boolean)].join(', ');
}

function drawPanel({ title, bars }, top) {
  const most = Math.max(...bars.map(({ value }) => value));
  const scale = (width - 2 * margin - labelWidth - valueWidth) / most;
  const lines = bars.map(({ label, value, isOurs }, index) => {
    const y = top + titleHeight + index * barStep;
    const length = Math.max(1, value * scale);
    const textY = y + barHeight - 5;
    const barX = margin + labelWidth;
    return [
      `<text x="${margin}" y="${textY}">${escapeXml(label)}</text>`,
      `<rect class="${isOurs ? 'ours' : 'bar'}" x="${barX}" y="${y}" width="${length.toFixed(1)}" height="${barHeight}" rx="2"/>`,
      `<text x="${(barX + length + 8).toFixed(1)}" y="${textY}">${formatRate(value)}</text>`,
    ].join('\n');
  });
  return [`<text class="title" x="${margin}" y="${top + 16}">${escapeXml(title)}</text>`, ...lines].join('\n');
}

function escapeXml(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
