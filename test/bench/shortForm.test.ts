import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BenchServer } from './BenchServer.mjs';
import { completeCase } from './cases.mjs';
import { measureRequests } from './load.mjs';

const cases = {
  call: completeCase({ request: 'tools/call', server: 'standalone' }),
  callOf1: completeCase({ request: 'tools/call', server: 'standalone', actions: 1 }),
  callOf2026: completeCase({ request: 'tools/call', server: 'standalone', era: '2026' }),
  bareSdk: completeCase({ request: 'tools/call', server: 'sdk-v2', actions: 1 }),
  list: completeCase({ request: 'tools/list', server: 'standalone' }),
  ceilingList: completeCase({ request: 'tools/list', server: 'ceiling' }),
};
type CaseName = keyof typeof cases;

/**
 * How much CPU time one case may take at most, in that of the other. The targets are in targets.mjs and are measured by
 * `npm run bench`; here is what no change may lose, with room for a busy machine.
 */
const bounds: { what: string; of: CaseName; to: CaseName; most: number }[] = [
  { what: 'a call, to bare SDK v2 with one tool', of: 'call', to: 'bareSdk', most: 1 },
  { what: 'a call with 200 actions, to one with 1', of: 'call', to: 'callOf1', most: 1.5 },
  { what: 'a call of 2026-07-28, to one of 2025-06-18', of: 'callOf2026', to: 'call', most: 1.5 },
  { what: 'a list of 200, to the ceiling', of: 'list', to: 'ceilingList', most: 2 },
];

const rounds = 4;
/** Numbers, not seconds: what is compiled by then must not depend on how busy the machine is. */
const requestsOf = {
  'tools/call': { warmUp: 2_000, round: 300 },
  'tools/list': { warmUp: 500, round: 100 },
};
/** Far more than it takes; several times that is waited for. */
const patienceSeconds = 20;

describe('in short, of the CPU time of a request', () => {
  const running: BenchServer[] = [];
  const best = new Map<CaseName, number>();

  beforeAll(async () => {
    const start = async (server: string, actions: number) => {
      const started = await BenchServer.start({ setting: { server, actions, sources: 1 } });
      running.push(started);
      return started;
    };
    const other = await start('standalone', 200);
    const servers: Record<CaseName, BenchServer> = {
      // These two are alone, so that each has done as much as the other.
      call: await start('standalone', 200),
      callOf1: await start('standalone', 1),
      callOf2026: other,
      list: other,
      bareSdk: await start('sdk-v2', 1),
      ceilingList: await start('ceiling', 200),
    };
    const names = Object.keys(cases) as CaseName[];
    for (let round = 0; round <= rounds; round++) {
      for (const name of names) {
        const { request: kind } = cases[name];
        const request = await servers[name].createRequest(cases[name]);
        const { cpuMicrosecondsPerRequest } = await measureRequests({
          benchServer: servers[name],
          request,
          requests: round === 0 ? requestsOf[kind].warmUp : requestsOf[kind].round,
          seconds: patienceSeconds,
          bodyBytes: await servers[name].checkAnswer(request),
        });
        // The best one counts: others of this machine only ever add to it.
        if (round > 0) {
          best.set(name, Math.min(best.get(name) ?? Number.POSITIVE_INFINITY, cpuMicrosecondsPerRequest));
        }
      }
    }
  }, 240_000);

  afterAll(() => Promise.all(running.map(server => server.stop())));

  it.each(bounds)('$what takes at most $most ×', ({ of, to, most }) => {
    const [ofTime, toTime] = [best.get(of), best.get(to)] as [number, number];

    expect(ofTime / toTime, `${ofTime.toFixed(0)} µs of CPU time to ${toTime.toFixed(0)} µs`).toBeLessThanOrEqual(most);
  });
});
