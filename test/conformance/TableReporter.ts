import type { Reporter, TestModule } from 'vitest/node';
import type {} from './describeServerConformance.js';
import type { ScenarioResult } from './runServerSuite.js';

/** Prints what the suite found at the end: required scenarios, those that count for nothing, recommendations. */
export default class TableReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const runs = modules
      .flatMap(module => [...module.children.allTests()])
      .flatMap(test => test.meta().conformance ?? [])
      .sort((a, b) => (a.host < b.host ? -1 : a.host > b.host ? 1 : 0));
    if (runs.length === 0) {
      return;
    }
    const rows = [
      ['Host', 'Suite', 'Required', 'Others that pass', 'Others that do not'],
      ...runs.map(({ host, suite, required, others }) => [
        host,
        suite,
        `${required.filter(({ passed }) => passed).length}/${required.length}`,
        names(others.filter(({ passed }) => passed)),
        names(others.filter(({ passed }) => !passed)),
      ]),
    ];
    const widths = rows[0]?.map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0))) ?? [];
    const lines = rows.map(row => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`);
    const rule = `|${widths.map(width => '-'.repeat(width + 2)).join('|')}|`;
    const warnings = new Map<string, string[]>();
    for (const { host, suite, required } of runs) {
      for (const warning of required.flatMap(scenario => scenario.warnings)) {
        warnings.set(warning, [...(warnings.get(warning) ?? []), `${host}, ${suite}`]);
      }
    }
    const told = [...warnings].map(([warning, where]) => `- ${warning} (${where.join('; ')})`);
    process.stdout.write(
      `\n${[lines[0], rule, ...lines.slice(1)].join('\n')}\n${
        told.length > 0 ? `\nRecommendations that are not followed:\n${told.join('\n')}\n` : ''
      }\n`,
    );
  }
}

function names(scenarios: readonly ScenarioResult[]): string {
  return scenarios.map(({ name }) => name).join(', ') || '–';
}
