import { parseOptions, readNumber, UsageError } from '../bench/usage.mjs';
import { inFlightId } from './inFlight/runInFlight.mjs';
import { scenarios } from './scenarios/scenarios.mjs';

const ids = [...scenarios.map(({ id }) => id), inFlightId];
const kinds = ['stateless', 'modern', 'session', 'sse'];

export const faultsHelp = `Breaks things under load: three replicas behind a proxy, on a PostgreSQL and a Redis of their own.

Usage: npm run test:faults -- [options]

What:
  (nothing)            every scenario, about 15 minutes
  --scenario <list>    of ${ids.join(', ')}
  --minutes <n>        nothing goes wrong: the load is held for so long, 0.1 to 1440
  --find-rate          looks for the highest rate that holds, 20 seconds each

How:
  --rate <n>           calls a second, 1 to 20000, default 150 (1000 with --minutes)
  --seconds <n>        of a scenario: a quarter before, some during and a quarter after it, 4 to 600, default 20
  --mix <list>         which calls, such as stateless=50,modern=50; of ${kinds.join(', ')};
                       default stateless=40,modern=40,session=15,sse=5
  --write-docs         put the tables into docs/faults.md
  --help

Needs redis-server and the programs of a PostgreSQL server; the full disk also needs root on Linux.
Results go to test/faults/results as JSON.

Exit code: 0 if no call was lost, run twice or left unrecorded, and what each scenario has to show is so (with --minutes:
also no error); 1 if not, 2 if it could not be run.`;

/**
 * @param {string[]} argv
 * @throws UsageError
 */
export function readFaultsOptions(argv) {
  const values = parseOptions(argv, {
    scenario: { type: 'string' },
    minutes: { type: 'string' },
    'find-rate': { type: 'boolean', default: false },
    rate: { type: 'string' },
    seconds: { type: 'string', default: '20' },
    mix: { type: 'string' },
    'write-docs': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  });
  const { minutes, scenario } = values;
  if ([minutes !== undefined, scenario !== undefined, values['find-rate']].filter(Boolean).length > 1) {
    throw new UsageError('--minutes, --scenario, --find-rate: expected one of them at most');
  }
  const chosen = scenario?.split(',') ?? ids;
  const unknown = chosen.filter(id => !ids.includes(id));
  if (unknown.length > 0) {
    throw new UsageError(`--scenario: expected some of ${ids.join(', ')}, got ${unknown.join(', ')}`);
  }
  return {
    help: values.help,
    ids: chosen,
    minutes: minutes === undefined ? undefined : readNumber('--minutes', minutes, 0.1, 1_440, { whole: false }),
    findRate: values['find-rate'],
    rate: readNumber('--rate', values.rate ?? (minutes === undefined ? '150' : '1000'), 1, 20_000),
    seconds: readNumber('--seconds', values.seconds, 4, 600, { whole: false }),
    mix: values.mix === undefined ? undefined : readMix(values.mix),
    writeDocs: values['write-docs'],
  };
}

function readMix(text) {
  const parts = text.split(',').map(part => part.split('='));
  const unknown = parts.find(([kind]) => !kinds.includes(kind));
  if (unknown) {
    throw new UsageError(`--mix: expected some of ${kinds.join(', ')}, got ${unknown[0]}`);
  }
  return Object.fromEntries(parts.map(([kind, share = '']) => [kind, readNumber(`--mix ${kind}`, share, 1, 1_000)]));
}
