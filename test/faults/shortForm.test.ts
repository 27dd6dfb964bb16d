import { describeOnPostgres, describeWithRedisServer } from '@callboard/test-utils';
import { beforeAll, describe, expect, it } from 'vitest';
import { sharedPostgres } from './deployment/sharedPostgres.mjs';
import { runScenario } from './runScenario.mjs';
import { getScenario } from './scenarios/scenarios.mjs';

/** What `npm run test:faults` does, shortly: enough to see that no call is lost or run twice, too little for figures. */
const rate = 20;
const seconds = 4;

interface Expected {
  id: string;
  /** The share of all calls that may have got no answer, or one that does not say whether they ran. */
  mostInDoubt: number;
}

const cases: Expected[] = [
  { id: 'kill', mostInDoubt: 0.1 },
  { id: 'restart', mostInDoubt: 0.02 },
  { id: 'redis-restart', mostInDoubt: 0.1 },
];

await describeOnPostgres('three replicas on PostgreSQL', () =>
  describeWithRedisServer('and Redis, under load', () => {
    describe.each(cases)('$id', ({ id, mostInDoubt }) => {
      let account: Awaited<ReturnType<typeof runScenario>>;

      beforeAll(async () => {
        account = await runScenario({
          scenario: getScenario(id),
          postgres: sharedPostgres,
          rate,
          seconds,
          tell: () => {},
        });
      }, 240_000);

      it('loses no call, runs none twice and none without a record', () => {
        const { lost, twice, unrecorded } = account;

        expect({ lost, twice, unrecorded }).toEqual({ lost: [], twice: [], unrecorded: [] });
      });

      it('shows what it has to show, and leaves trails that verify', () => {
        expect(account.checks.filter(({ isSo }: { isSo: boolean }) => !isSo)).toEqual([]);
      });

      it(`leaves at most ${mostInDoubt * 100} % of the calls in doubt`, () => {
        const { sent, broken, failed, details } = account;

        expect(sent).toBeGreaterThan(rate);
        expect({ share: (broken + failed) / sent, details }).toSatisfy(
          ({ share }: { share: number }) => share <= mostInDoubt,
        );
      });
    });
  }),
);
