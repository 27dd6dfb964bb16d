import { holdRate } from './holdRate.mjs';

const firstRate = 200;
const seconds = 20;
/** The search ends when the rate that holds and the one that does not are so near. */
const precision = 1.1;

/** Doubles the rate until it does not hold, then looks in between. */
export async function findRate({ postgres, mix, tell }) {
  const tried = [];
  const holds = async rate => {
    const result = await holdRate({ postgres, rate, seconds, mix, tell: () => {} });
    tried.push(result);
    const { answeredPerSecond, p99Ms } = result.held;
    tell(
      `${rate}/s ${result.holds ? 'holds' : 'does not hold'}: ${answeredPerSecond.toFixed(0)}/s answered, ` +
        `p99 ${p99Ms.toFixed(0)} ms, ${result.errors} errors`,
    );
    return result.holds;
  };
  let least = 0;
  let most = firstRate;
  while (await holds(most)) {
    least = most;
    most *= 2;
  }
  while (least === 0 ? most > 10 : most / least > precision) {
    const middle = Math.round((least + most) / 2);
    if (await holds(middle)) {
      least = middle;
    } else {
      most = middle;
    }
  }
  return { rate: least, tried };
}
