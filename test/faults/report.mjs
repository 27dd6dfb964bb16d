import { formatCount, formatRate } from '../bench/report.mjs';

const whole = number => formatCount(Math.round(number));
const phase = (row, name) => row.phases?.find(each => each.name === name);
const ifRun = show => row => (row.missing === undefined && row.crash === undefined ? show(row) : '');
const perPhase = (row, show) => ['before', 'during', 'after'].map(name => show(phase(row, name))).join(' / ');
const counted = (title, value) => ({ title, value: ifRun(row => whole(value(row))) });

/** For results of `runScenario`. */
export const scenarioColumns = [
  { title: 'scenario', value: ({ id }) => `\`${id}\``, left: true },
  counted('sent', row => row.sent),
  counted('answered', row => row.done),
  counted('refused', row => row.refused),
  counted('no answer', row => row.broken),
  counted('error', row => row.failed),
  counted('made again', row => row.retried),
  counted('had run', row => row.ranAllTheSame),
  counted('cut off', row => row.cutOff),
  counted('lost', row => row.lost.length + row.unrecorded.length),
  counted('run twice', row => row.twice.length),
  { title: 'answered/s', value: ifRun(row => perPhase(row, each => formatRate(each.answeredPerSecond))) },
  { title: 'p99 ms', value: ifRun(row => perPhase(row, each => whole(each.p99Ms))) },
  { title: 'silence ms', value: ifRun(row => whole(phase(row, 'during').longestGapMs)) },
  { title: '', value: row => describeScenario(row), left: true },
];

/** For rows of `runInFlight`. */
export const inFlightColumns = [
  { title: 'client', value: ({ client }) => client, left: true },
  { title: 'the call', value: ({ call }) => call, left: true },
  { title: 'meanwhile', value: ({ event }) => event, left: true },
  { title: 'client gets', value: ({ got }) => got.replaceAll('|', '\\|').slice(0, 150), left: true },
  { title: 'ran', value: ({ ran }) => String(ran) },
];

/** For results of `holdRate`. */
export const rateColumns = [
  { title: 'calls/s', value: ({ rate }) => whole(rate) },
  { title: 'seconds', value: ({ held }) => whole(held.seconds) },
  { title: 'sent', value: ({ sent }) => whole(sent) },
  { title: 'answered/s', value: ({ held }) => formatRate(held.answeredPerSecond) },
  { title: 'p50 ms', value: ({ held }) => held.p50Ms.toFixed(1) },
  { title: 'p99 ms', value: ({ held }) => whole(held.p99Ms) },
  { title: 'errors', value: ({ errors }) => whole(errors) },
  { title: 'lost', value: ({ lost, unrecorded }) => whole(lost.length + unrecorded.length) },
  { title: 'run twice', value: ({ twice }) => whole(twice.length) },
  {
    title: 'cores busy with: replicas / PostgreSQL / load and proxy / all there is',
    value: ({ cores }) =>
      cores ? ['replicas', 'postgres', 'load', 'machine'].map(name => cores[name].toFixed(2)).join(' / ') : '',
  },
  { title: '', value: ({ holds }) => (holds ? 'holds' : 'DOES NOT HOLD'), left: true },
];

/** @returns {string[]} What must not be, in words. */
export function findProblems({ scenarios = [], inFlight, rates = [] }) {
  return [
    ...scenarios.flatMap(row => (row.missing ? [] : problemsOf(row))),
    ...(inFlight ? problemsInFlight(inFlight) : []),
    ...rates.filter(({ holds }) => !holds).map(({ rate }) => `${rate} calls a second do not hold`),
  ];
}

function problemsOf({ id, crash, lost, twice, unrecorded, checks }) {
  if (crash !== undefined) {
    return [`${id}: could not be run to its end: ${crash}`];
  }
  return [
    ...lost.map(what => `${id}: lost: ${what}`),
    ...twice.map(what => `${id}: run twice: ${what}`),
    ...unrecorded.map(what => `${id}: ran without a record: ${what}`),
    ...checks.filter(({ isSo }) => !isSo).map(({ title, got }) => `${id}: expected that ${title}, got ${got}`),
  ];
}

function problemsInFlight({ rows, files }) {
  return [
    ...rows.filter(({ lost }) => lost).map(({ id, got }) => `${id}: lost: ${got}`),
    ...rows.filter(({ twice }) => twice).map(({ id, ran }) => `${id}: ran ${ran} times`),
    ...(files.ok ? [] : [`in-flight: the chains in the files do not verify: ${files.text}`]),
  ];
}

function describeScenario(row) {
  if (row.missing) {
    return `NOT RUN: ${row.missing}`;
  }
  return problemsOf(row).length === 0 ? 'as it should be' : 'WRONG';
}
