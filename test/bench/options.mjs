import { groups, quickGroups } from './cases.mjs';
import { servers } from './servers.mjs';
import { parseOptions, readNumber, UsageError } from './usage.mjs';

export const benchHelp = `Measures Callboard next to other MCP servers, in one run on this machine.

Usage: npm run bench -- [options]

What:
  (nothing)          tools/call and tools/list, about 12 minutes
  --quick            the same, few cases and short rounds, about 80 seconds
  --memory           how long the server takes to start, what it holds then, and per idle stream
  --soak <minutes>   mixed load, and whether memory stays flat; 0.5 to 1440

Which cases:
  --groups <list>    of ${groups.map(({ id }) => id).join(', ')}
  --servers <list>   of ${servers.map(({ id }) => id).join(', ')}
  --actions <list>   numbers of actions
  --rounds <n>       measurements of each case, medians count, 1 to 20, default 5 (3 with --quick)
  --seconds <n>      length of a measurement, 1 to 60, default 2 (1 with --quick)

  --write-docs       put the figures into docs/performance.md and docs/images
  --help

Each server runs in a process of its own, gets the same requests over 16 connections that are kept open, and has the same
tools. The servers of a group of cases are up at once and are asked in turn. Where the system has taskset and two cores,
servers have one core and the load has the other. Callboard and upstream check a token; Callboard has all its plugins,
mode safe, and a trail in files that is strict; the others do nothing but answer. CPU time is the server process's own,
so it says more than req/s on a machine that is busy with other things. "times" is how many times as good as the first
row of the same request.

Results go to test/bench/results as JSON, and as a picture.

Exit code: 0 if each target that was measured is met, 1 if one is missed, 2 if it could not be measured.`;

/**
 * @param {string[]} argv
 * @throws UsageError
 */
export function readBenchOptions(argv) {
  const values = parseOptions(argv, {
    quick: { type: 'boolean', default: false },
    memory: { type: 'boolean', default: false },
    soak: { type: 'string' },
    groups: { type: 'string' },
    servers: { type: 'string' },
    actions: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    'write-docs': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  });
  const { quick, memory } = values;
  if ([quick, memory, values.soak !== undefined].filter(Boolean).length > 1) {
    throw new UsageError('--quick, --memory, --soak: expected one of them at most');
  }
  if (quick && values['write-docs']) {
    throw new UsageError('--write-docs: expected a full run, got --quick');
  }
  return {
    help: values.help,
    memory,
    soakMinutes:
      values.soak === undefined ? undefined : readNumber('--soak', values.soak, 0.5, 1_440, { whole: false }),
    groups: chooseGroups(values),
    rounds: readNumber('--rounds', values.rounds ?? (quick ? '3' : '5'), 1, 20),
    seconds: readNumber('--seconds', values.seconds ?? (quick ? '1' : '2'), 1, 60),
    // Until the code that runs often is compiled.
    warmUpSeconds: quick ? 3 : 5,
    writeDocs: values['write-docs'],
  };
}

function chooseGroups({ quick, groups: groupList, servers: serverList, actions }) {
  const all = quick ? quickGroups : groups;
  const groupIds = readNames(
    '--groups',
    groupList,
    all.map(({ id }) => id),
  );
  const serverIds = readNames(
    '--servers',
    serverList,
    servers.map(({ id }) => id),
  );
  const counts = actions?.split(',').map(count => readNumber('--actions', count, 1, 2_000));
  const chosen = all
    .filter(({ id }) => groupIds.includes(id))
    .map(group => ({
      ...group,
      cases: group.cases.filter(
        benchCase =>
          serverIds.includes(benchCase.server) && (counts === undefined || counts.includes(benchCase.actions)),
      ),
    }))
    .filter(({ cases }) => cases.length > 0);
  if (chosen.length === 0) {
    throw new UsageError('--groups, --servers, --actions: expected a choice that leaves a case to measure');
  }
  return chosen;
}

function readNames(option, list, known) {
  const names = list?.split(',') ?? known;
  const unknown = names.filter(name => !known.includes(name));
  if (unknown.length > 0) {
    throw new UsageError(`${option}: expected ${known.join(', ')}, got ${unknown.join(', ')}`);
  }
  return names;
}
