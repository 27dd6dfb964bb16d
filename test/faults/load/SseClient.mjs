import { readEvents } from './events.mjs';
import { judgeMessage } from './judgeAnswer.mjs';
import { callMessage, initializedMessage, initializeMessage, mcpPath } from './wire.mjs';

const openLimitMs = 30_000;

/**
 * A client of HTTP+SSE: what it posts is answered on its stream. With the stream, the answers to calls under way are
 * lost.
 *
 * @implements {import('./clients.mjs').Client}
 */
export class SseClient {
  #http;
  #counts;
  #opening;
  #isClosed = false;
  #rpcId = 0;
  #leaveStream = () => {};
  /** By the id of the request: who waits for the answer. */
  #waiting = new Map();

  constructor({ http, counts }) {
    this.#http = http;
    this.#counts = counts;
  }

  async attempt({ id, tool, args }, timeoutMs) {
    let path;
    try {
      path = await this.#open();
    } catch (error) {
      return { verdict: 'refused', detail: `no SSE stream: ${error.message}` };
    }
    this.#rpcId += 1;
    const rpcId = this.#rpcId;
    const answered = this.#answerOf(rpcId, timeoutMs);
    let posted;
    try {
      posted = await this.#http.post({ path, headers: {}, message: callMessage({ tool, args, rpcId }), timeoutMs });
    } catch (error) {
      posted = { status: 502, text: error.message };
    }
    if (posted.status === 202 || posted.status === 502) {
      // It may have arrived all the same.
      const answer = await answered;
      return answer ? judgeMessage(answer, id) : { verdict: 'broken', detail: 'SSE: the stream ended' };
    }
    this.#waiting.get(rpcId)?.(undefined);
    if (posted.status === 404) {
      return { verdict: 'gone', detail: 'SSE: 404 stream' };
    }
    return posted.status === 503 || posted.status === 429
      ? { verdict: 'refused', detail: `SSE: ${posted.status}` }
      : { verdict: 'failed', detail: `SSE: ${posted.status} ${posted.text.slice(0, 100)}` };
  }

  close() {
    this.#isClosed = true;
    this.#leaveStream();
    this.#giveUp();
  }

  #answerOf(rpcId, timeoutMs) {
    return new Promise(resolve => {
      const timer = setTimeout(() => this.#waiting.get(rpcId)?.(undefined), timeoutMs);
      this.#waiting.set(rpcId, answer => {
        clearTimeout(timer);
        this.#waiting.delete(rpcId);
        resolve(answer);
      });
    });
  }

  #giveUp() {
    for (const resolve of [...this.#waiting.values()]) {
      resolve(undefined);
    }
  }

  #open() {
    this.#opening ??= this.#initialize().catch(error => {
      this.#opening = undefined;
      this.#leaveStream();
      throw error;
    });
    return this.#opening;
  }

  async #initialize() {
    const path = await this.#connect();
    const answered = this.#answerOf(initializeMessage.id, openLimitMs);
    await this.#post(path, initializeMessage);
    if (!(await answered)?.result) {
      throw new Error('initialize was not answered');
    }
    await this.#post(path, initializedMessage);
    this.#counts.sseOpened += 1;
    return path;
  }

  async #post(path, message) {
    const { status } = await this.#http.post({ path, headers: {}, message, timeoutMs: openLimitMs });
    if (status !== 202) {
      throw new Error(`${message.method}: ${status}`);
    }
  }

  /** @returns Where to post. */
  #connect() {
    return new Promise((resolve, reject) => {
      this.#leaveStream = this.#http.openStream({
        method: 'GET',
        path: `${mcpPath}/sse`,
        headers: { accept: 'text/event-stream' },
        onText: readEvents(({ name, data }) => {
          if (name === 'endpoint') {
            const { pathname, search } = new URL(data, 'http://localhost');
            resolve(`${pathname}${search}`);
          } else if (data !== '') {
            const message = JSON.parse(data);
            if (message.method === undefined) {
              this.#waiting.get(message.id)?.(message);
            }
          }
        }),
        onEnd: ({ status = 0 }) => {
          reject(new Error(`the stream has ended, status ${status}`));
          this.#giveUp();
          if (!this.#isClosed) {
            this.#counts.sseLost += 1;
            this.#opening = undefined;
          }
        },
      });
    });
  }
}
