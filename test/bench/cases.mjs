import { servers } from './servers.mjs';

/**
 * One thing that is measured.
 *
 * @typedef {object} BenchCase
 * @property {import('./wire.mjs').RequestName} request
 * @property {string} server
 * @property {number} actions
 * @property {number} sources
 * @property {import('./wire.mjs').Era} era
 * @property {'static' | 'oauth'} token
 * @property {boolean} rows Whether the trail is in the database besides the files.
 * @property {boolean} silent Whether there is another source, which accepts connections and never answers.
 */

const usual = { actions: 200, sources: 1, era: '2025', token: 'static', rows: false, silent: false };

/** @typedef {{ id: string, title: string, cases: BenchCase[] }} CaseGroup */

/**
 * Cases that are measured side by side: the servers of a group are up at once, and each round asks for all cases in
 * turn. Numbers are compared within a group only. "times" in reports refers to the first case of the same request.
 */
export const groups = [
  group('servers', 'All servers', [
    { request: 'tools/call', server: 'sdk-v2', actions: 1 },
    ...servers.map(({ id }) => ({ request: 'tools/call', server: id })),
    ...servers.map(({ id }) => ({ request: 'tools/list', server: id })),
  ]),
  group('sizes', 'Numbers of actions and sources', [
    ...[1, 10, 200, 1_000].map(actions => ({ request: 'tools/call', server: 'standalone', actions })),
    { request: 'tools/call', server: 'standalone', sources: 20 },
    { request: 'tools/call', server: 'standalone', actions: 1_000, sources: 20 },
    { request: 'tools/call', server: 'standalone', silent: true },
    ...[1, 10, 200, 1_000].map(actions => ({ request: 'tools/call', server: 'upstream', actions })),
    { request: 'tools/call', server: 'upstream', sources: 20 },
    ...[1, 10, 200, 1_000].map(actions => ({ request: 'tools/list', server: 'standalone', actions })),
    { request: 'tools/list', server: 'standalone', sources: 20 },
    { request: 'tools/list', server: 'ceiling', actions: 1_000 },
  ]),
  group('eras', 'Protocols', [
    { request: 'tools/call', server: 'standalone' },
    { request: 'tools/call', server: 'standalone', era: '2026' },
    { request: 'tools/call', server: 'stock', era: '2026' },
    { request: 'tools/call', server: 'sdk-v2', actions: 1 },
    { request: 'tools/call', server: 'sdk-v2', actions: 1, era: '2026' },
    { request: 'tools/list', server: 'standalone' },
    { request: 'tools/list', server: 'standalone', era: '2026' },
  ]),
  group('tokens', 'Tokens, and the trail in the database', [
    { request: 'tools/call', server: 'standalone' },
    { request: 'tools/call', server: 'standalone', token: 'oauth' },
    { request: 'tools/call', server: 'standalone', rows: true },
    { request: 'tools/list', server: 'standalone' },
    { request: 'tools/list', server: 'standalone', token: 'oauth' },
  ]),
];

/**
 * What a minute is enough for.
 *
 * @type {CaseGroup[]}
 */
export const quickGroups = [
  group('quick', 'A short look', [
    { request: 'tools/call', server: 'sdk-v2', actions: 1 },
    { request: 'tools/call', server: 'ceiling' },
    { request: 'tools/call', server: 'standalone' },
    { request: 'tools/call', server: 'standalone', actions: 1_000, sources: 20 },
    { request: 'tools/call', server: 'standalone', era: '2026' },
    { request: 'tools/call', server: 'stock' },
    { request: 'tools/call', server: 'upstream' },
    { request: 'tools/list', server: 'ceiling' },
    { request: 'tools/list', server: 'standalone' },
  ]),
];

/**
 * @param {Partial<BenchCase>} given
 * @returns {BenchCase} The case, with what is not said as usual.
 */
export function completeCase(given) {
  return { ...usual, ...given };
}

/**
 * @param {BenchCase} a
 * @param {BenchCase} b
 * @returns Whether two cases are the same thing.
 */
export function isSameCase(a, b) {
  return Object.keys(completeCase({ request: '', server: '' })).every(key => a[key] === b[key]);
}

/**
 * @param {BenchCase} benchCase
 * @returns The server that a case needs; cases with the same text share one.
 */
export function serverKeyOf({ server, actions, sources, rows, silent }) {
  return JSON.stringify({ server, actions, sources, rows, silent });
}

/** What is special about a case, besides its numbers. */
export function describeSpecials({ era, token, rows, silent }) {
  return [
    ...(era === '2026' ? ['2026-07-28'] : []),
    ...(token === 'oauth' ? ['OAuth token'] : []),
    ...(rows ? ['trail in database, too'] : []),
    ...(silent ? ['beside a silent source'] : []),
  ].join(', ');
}

/** @returns {CaseGroup} */
function group(id, title, cases) {
  return { id, title, cases: cases.map(completeCase) };
}
