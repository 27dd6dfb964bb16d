import { describe, expect, test } from 'vitest';
import { serverSuites } from './conformance/serverSuites.js';
import type { Proof, Requirement, Revision } from './requirements/requirement.js';
import { hasTest } from './requirements/titles.js';
import { requirements } from './requirements.js';

/**
 * How many rules each page has for servers, as counted in the pages of 2026-08-22. Pages that are not here, such as
 * the schema, repeat what others say. A number changes when its page is read anew, and for no other reason.
 */
const sentences: Record<Revision, Record<string, number>> = {
  '2025-11-25': {
    'basic/index': 21,
    'basic/lifecycle': 6,
    'basic/transports': 19,
    'basic/authorization': 39,
    'basic/security_best_practices': 18,
    'basic/utilities/cancellation': 3,
    'basic/utilities/ping': 1,
    'basic/utilities/progress': 8,
    'basic/utilities/tasks': 2,
    'server/tools': 7,
    'server/resources': 4,
    'server/prompts': 7,
    'server/utilities/completion': 5,
    'server/utilities/logging': 4,
    'server/utilities/pagination': 0,
    'client/elicitation': 30,
    'client/sampling': 5,
    'client/roots': 0,
  },
  '2026-07-28': {
    'basic/index': 36,
    'basic/versioning': 4,
    'basic/patterns/index': 1,
    'basic/patterns/cancellation': 6,
    'basic/patterns/mrtr': 13,
    'basic/patterns/progress': 4,
    'basic/patterns/subscriptions': 3,
    'basic/transports/index': 3,
    'basic/transports/stdio': 4,
    'basic/transports/streamable-http': 40,
    'basic/authorization/index': 18,
    'basic/authorization/authorization-server-discovery': 4,
    'basic/authorization/client-registration': 4,
    'basic/authorization/security-considerations': 19,
    'basic/security_best_practices': 17,
    'server/discover': 1,
    'server/tools': 16,
    'server/resources': 9,
    'server/prompts': 9,
    'server/utilities/caching': 8,
    'server/utilities/completion': 5,
    'server/utilities/logging': 6,
    'server/utilities/pagination': 0,
    'client/elicitation': 24,
    'client/sampling': 6,
    'client/roots': 0,
  },
};

/** What there is to prove and is not done, by the names of the requirements. */
const deviations = [
  '2025-11-25/basic/index/schema-unknown-dialect',
  '2025-11-25/basic/authorization/communication-security',
  '2025-11-25/basic/authorization/https-endpoints',
  '2025-11-25/basic/authorization/https-redirects',
  '2026-07-28/basic/index/schema-unknown-dialect',
  '2026-07-28/basic/patterns/cancellation/listen-teardown',
  '2026-07-28/basic/authorization/security-considerations/communication-security',
  '2026-07-28/basic/authorization/security-considerations/https-endpoints',
  '2026-07-28/basic/authorization/security-considerations/https-redirects',
];

const of = (revision: string) => requirements.filter(one => one.revision === revision);

describe.each(Object.entries(sentences))('the requirements of %s', (revision, ofPages) => {
  test('are all there, page by page', () => {
    const found = Object.fromEntries(Object.keys(ofPages).map(path => [path, 0]));
    for (const { page } of of(revision)) {
      found[page] = (found[page] ?? 0) + 1;
    }

    expect(found).toEqual(ofPages);
  });

  test('have ids of their own, which say revision and page', () => {
    const ids = of(revision).map(({ id }) => id);

    expect(new Set(ids).size).toBe(ids.length);
    expect(of(revision).filter(({ id, page }) => !id.startsWith(`${revision}/${page}/`))).toEqual([]);
    expect(ids.filter(id => !/^[\d-]+(?:\/[a-z0-9_-]+)+$/.test(id))).toEqual([]);
  });

  test('are proven by tests that there are, and by scenarios that the suite requires', () => {
    const required = serverSuites.find(({ name }) => name === revision)?.required ?? [];
    const isThere = (proof: Proof) =>
      'conformance' in proof ? required.includes(proof.conformance) : hasTest(proof.file, proof.name);

    const missing = of(revision).flatMap(({ id, tests }) =>
      tests.filter(proof => !isThere(proof)).map(proof => ({ id, ...proof })),
    );

    expect(missing).toEqual([]);
  });

  test('have at least one proof, unless they say why there is none', () => {
    const unproven = of(revision).filter(one => one.tests.length === 0 && !one.notApplicable && !one.deviation);

    expect(unproven.map(({ id }) => id)).toEqual([]);
    expect(of(revision).filter(one => one.notApplicable && (one.tests.length > 0 || one.deviation))).toEqual([]);
  });
});

test('what is not done is known', () => {
  expect(requirements.filter(one => one.deviation).map(({ id }) => id)).toEqual(deviations);
});

test.each([
  ['2025-11-25', { proven: 159, byConformanceToo: 16, notApplicable: 16, deviations: 4 }],
  ['2026-07-28', { proven: 240, byConformanceToo: 53, notApplicable: 15, deviations: 5 }],
])('of %s, so many are %j', (revision, expected) => {
  const count = (is: (one: Requirement) => unknown) => of(revision).filter(is).length;

  expect({
    proven: count(one => one.tests.length > 0 && !one.deviation),
    byConformanceToo: count(one => one.tests.some(proof => 'conformance' in proof)),
    notApplicable: count(one => one.notApplicable),
    deviations: count(one => one.deviation),
  }).toEqual(expected);
});

describe('a proof', () => {
  test.each([
    ['test/requirements.test.ts', 'what is not done is known', true],
    ['test/requirements.test.ts', 'the requirements of %s', true],
    ['test/requirements.test.ts', 'what is not done', false],
    ['test/requirements.ts', 'requirements', false],
    ['test/nothing.test.ts', 'what is not done is known', false],
    ['../outside.test.ts', 'what is not done is known', false],
  ])('in %s by the title %j counts: %s', (file, title, counts) => {
    expect(hasTest(file, title)).toBe(counts);
  });
});
