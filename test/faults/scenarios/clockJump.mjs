import { fetchAccessToken } from '../../bench/fetchAccessToken.mjs';
import { HttpCaller } from '../load/HttpCaller.mjs';
import { callMessage, mcpPath, statelessHeaders } from '../load/wire.mjs';

const hourMs = 3_600_000;
const answerLimitMs = 10_000;

/** @type {import('./scenarios.mjs').Scenario} */
export const clockJump = {
  id: 'clock',
  title: 'the clock of a replica jumps two hours ahead, then four back, then to the right time',
  shiftsClocks: true,
  async disturb({ deployment, wait, tell, check }) {
    const [other, , jumper] = deployment.replicas;
    // For a quarter of an hour.
    const token = await fetchAccessToken(deployment);
    const jump = async hours => {
      jumper.shiftClock(hours * hourMs);
      tell(`the clock of replica ${jumper.name} is off by ${hours} hours`);
      await wait(0.15);
      return [await ask(jumper, token), await ask(other, token)];
    };

    const before = [await ask(jumper, token), await ask(other, token)];
    const ahead = await jump(2);
    await jump(-2);
    const right = await jump(0);

    const expect = (title, got, expected) => check(title, String(got) === String(expected), `status ${got}`);
    expect('a new access token is taken by all', before, [200, 200]);
    expect('an access token of 15 minutes is over two hours later, and for no other replica', ahead, [401, 200]);
    expect('it is taken again when the clock is right', right, [200, 200]);
    check('the replica lives on', jumper.lastExit === undefined, JSON.stringify(jumper.lastExit));
  },
};

/** @returns {Promise<number>} The status of a call at this replica. */
async function ask({ port }, token) {
  const http = new HttpCaller({ port, token });
  try {
    const { status } = await http.post({
      path: mcpPath,
      headers: statelessHeaders,
      message: callMessage({ tool: 'faults.echo', args: { id: 'clock' } }),
      timeoutMs: answerLimitMs,
    });
    return status;
  } finally {
    http.close();
  }
}
