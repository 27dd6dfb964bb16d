import { readEvents } from './events.mjs';
import { judgeMessage } from './judgeAnswer.mjs';
import { callMessage, initializedMessage, initializeMessage, mcpPath, sessionHeaders } from './wire.mjs';

const openLimitMs = 30_000;
const comeBackMs = 500;
const comeBackTimes = 20;

/**
 * A session of the 2025 era with its stream. A call whose stream broke is gone on with by its last event id; a session
 * that is over is followed by another.
 *
 * @implements {import('./clients.mjs').Client}
 */
export class SessionClient {
  #http;
  #counts;
  #opening;
  #isClosed = false;
  #rpcId = 0;
  #lastEventId;
  #leaveStream = () => {};

  /** @param counts Where it counts what becomes of sessions and streams. */
  constructor({ http, counts }) {
    this.#http = http;
    this.#counts = counts;
  }

  async attempt({ id, tool, args }, timeoutMs) {
    let sessionId;
    try {
      sessionId = await this.#open();
    } catch (error) {
      // Nothing of the call was sent.
      return { verdict: 'refused', detail: `no session: ${error.message}` };
    }
    const judgement = await this.#call({ id, tool, args, sessionId, timeoutMs });
    if (judgement.verdict === 'gone') {
      this.#forget(sessionId);
    }
    return judgement;
  }

  close() {
    this.#isClosed = true;
    this.#leaveStream();
  }

  #open() {
    this.#opening ??= this.#initialize().catch(error => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #initialize() {
    const first = await this.#http.post({
      path: mcpPath,
      headers: { accept: 'application/json, text/event-stream' },
      message: initializeMessage,
      timeoutMs: openLimitMs,
    });
    const sessionId = first.headers['mcp-session-id'];
    if (first.status !== 200 || !sessionId) {
      throw new Error(`${first.status} ${first.text.slice(0, 80)}`);
    }
    const headers = sessionHeaders(sessionId);
    const { status } = await this.#http.post({
      path: mcpPath,
      headers,
      message: initializedMessage,
      timeoutMs: openLimitMs,
    });
    if (status !== 202) {
      throw new Error(`notifications/initialized: ${status}`);
    }
    this.#counts.sessionsOpened += 1;
    this.#lastEventId = undefined;
    this.#listen(sessionId);
    return sessionId;
  }

  #forget(sessionId) {
    this.#opening?.then(current => {
      if (current === sessionId) {
        this.#counts.sessionsLost += 1;
        this.#opening = undefined;
        this.#leaveStream();
      }
    });
  }

  /** The stream on which the server speaks first, for as long as the session is there. */
  #listen(sessionId) {
    const headers = {
      ...sessionHeaders(sessionId),
      accept: 'text/event-stream',
      ...(this.#lastEventId && { 'last-event-id': this.#lastEventId }),
    };
    this.#leaveStream = this.#http.openStream({
      method: 'GET',
      path: mcpPath,
      headers,
      onText: readEvents(event => {
        this.#lastEventId = event.id ?? this.#lastEventId;
      }),
      onEnd: ({ status }) => {
        if (this.#isClosed) {
          return;
        }
        if (status === 404) {
          this.#forget(sessionId);
          return;
        }
        if (status === 400) {
          this.#lastEventId = undefined;
        }
        this.#counts.streamsReopened += 1;
        setTimeout(() => this.#isClosed || this.#listen(sessionId), comeBackMs).unref();
      },
    });
  }

  /** @returns {Promise<import('./judgeAnswer.mjs').Judgement>} */
  async #call({ id, tool, args, sessionId, timeoutMs }) {
    this.#rpcId += 1;
    const rpcId = this.#rpcId;
    const stream = { lastEventId: undefined, answer: undefined };
    const read = readEvents(event => {
      stream.lastEventId = event.id ?? stream.lastEventId;
      const message = event.data === '' ? undefined : JSON.parse(event.data);
      if (message?.id === rpcId && message.method === undefined) {
        stream.answer = message;
      }
    });
    const deadlineMs = performance.now() + timeoutMs;
    let end = await this.#follow({
      method: 'POST',
      headers: sessionHeaders(sessionId),
      message: callMessage({ tool, args, rpcId }),
      read,
      timeoutMs,
    });
    for (let tries = 0; !stream.answer; tries += 1) {
      if (end.status === 503 || end.status === 429) {
        if (tries === 0) {
          return { verdict: 'refused', detail: String(end.status) };
        }
      } else if (end.status === 404) {
        return tries === 0
          ? { verdict: 'gone', detail: '404 session' }
          : { verdict: 'broken', detail: 'the session is gone with the call' };
      } else if (end.status !== undefined && end.status !== 200 && end.status !== 502) {
        return {
          verdict: tries === 0 ? 'failed' : 'broken',
          detail: `session: ${end.status} ${end.text.slice(0, 100) || JSON.stringify(end.headers)}`,
        };
      }
      if (stream.lastEventId === undefined || tries === comeBackTimes || performance.now() > deadlineMs) {
        return { verdict: 'broken', detail: `session: ${end.text || 'the stream of the call ended'}`.slice(0, 100) };
      }
      await new Promise(resolve => setTimeout(resolve, comeBackMs));
      this.#counts.callsResumed += 1;
      end = await this.#follow({
        method: 'GET',
        headers: {
          ...sessionHeaders(sessionId),
          accept: 'text/event-stream',
          'last-event-id': stream.lastEventId,
        },
        read,
        timeoutMs: deadlineMs - performance.now(),
      });
    }
    return judgeMessage(stream.answer, id);
  }

  /** Reads a stream to its end. */
  #follow({ method, headers, message, read, timeoutMs }) {
    return new Promise(resolve => {
      const leave = this.#http.openStream({
        method,
        path: mcpPath,
        headers,
        message,
        onText: read,
        onEnd: how => {
          clearTimeout(timer);
          resolve(how);
        },
      });
      const timer = setTimeout(() => {
        leave();
        resolve({ isComplete: false, text: `no answer within ${Math.round(timeoutMs)} ms` });
      }, timeoutMs);
    });
  }
}
