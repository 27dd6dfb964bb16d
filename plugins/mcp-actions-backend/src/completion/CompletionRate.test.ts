import { expect, it } from 'vitest';
import { CompletionRate } from './CompletionRate.js';

it('sixty completions come at once, then twenty a second, for each principal by itself', () => {
  let nowMs = 0;
  const rate = new CompletionRate({ nowMs: () => nowMs });
  const taken = (principal: string, attempts: number) =>
    Array.from({ length: attempts }, () => {
      try {
        rate.count(principal);
        return 1;
      } catch {
        return 0;
      }
    }).reduce<number>((sum, one) => sum + one, 0);

  const first = taken('ada', 100);
  const other = taken('eve', 10);
  nowMs = 1_000;
  const aSecondLater = taken('ada', 100);
  nowMs = 60_000;
  const muchLater = taken('ada', 100);

  expect([first, other, aSecondLater, muchLater]).toEqual([60, 10, 20, 60]);
});
