/**
 * What a client may take from an answer.
 *
 * - `done`: the call ran, and this is its result.
 * - `refused`: it did not run, and the same call may be made again.
 * - `gone`: it did not run, because its session is over; it may be made again in another.
 * - `broken`: there is no answer; whether it ran has to be found out.
 * - `failed`: an answer that does not say whether it ran; that has to be found out.
 * - `wrong`: the result of another call.
 *
 * @typedef {{ verdict: 'done' | 'refused' | 'gone' | 'broken' | 'failed' | 'wrong', detail: string }} Judgement
 */

const didNotRun = /^ServiceUnavailableError: audit: .* did not run|^TooManyRequestsError: /;
/** As docs/errors.md has it: the session is not there any more. */
const goneCode = -31404;

/**
 * @param {{ status: number, headers: object, text: string, isComplete: boolean }} answer
 * @returns {Judgement}
 */
export function judgeAnswer(answer, id) {
  const { status, text, isComplete } = answer;
  const message = readMessage(answer);
  if (status === 200) {
    return message ? judgeMessage(message, id) : { verdict: 'broken', detail: 'the answer broke off' };
  }
  if (status === 503 || status === 429) {
    return { verdict: 'refused', detail: `${status}` };
  }
  if (status === 404 && message?.error?.code === goneCode) {
    return { verdict: 'gone', detail: '404 session' };
  }
  if (status === 502 || !isComplete) {
    return { verdict: 'broken', detail: text.slice(0, 100) };
  }
  return { verdict: 'failed', detail: `${status} ${text.slice(0, 100) || JSON.stringify(answer.headers)}` };
}

/** @returns {Judgement} */
export function judgeMessage({ result, error }, id) {
  if (error) {
    return { verdict: 'failed', detail: `${error.code} ${withoutIds(error.message)}` };
  }
  if (result.isError) {
    const [{ text = '' } = {}] = result.content ?? [];
    return { verdict: didNotRun.test(text) ? 'refused' : 'failed', detail: withoutIds(text) };
  }
  const got = result.structuredContent?.id;
  return got === id ? { verdict: 'done', detail: '' } : { verdict: 'wrong', detail: `expected ${id}, got ${got}` };
}

/** @returns The message in the answer's body, whether it came as JSON or as the last event. */
function readMessage({ headers, text, isComplete }) {
  try {
    if (headers['content-type']?.startsWith('text/event-stream')) {
      const line = text
        .split('\n')
        .filter(each => each.startsWith('data: {'))
        .at(-1);
      const message = line && JSON.parse(line.slice('data: '.length));
      return message?.method === undefined ? message : undefined;
    }
    return isComplete ? JSON.parse(text) : undefined;
  } catch {
    // Cut off, or not from the server but from something in between.
    return undefined;
  }
}

/** So that the same failure of many calls counts as one kind. */
function withoutIds(text) {
  return text.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '…').slice(0, 160);
}
