import { Agent, request } from 'node:http';

/** Requests of all clients of the load, over connections that are kept. */
export class HttpCaller {
  #agent = new Agent({ keepAlive: true, scheduling: 'lifo' });
  #streams = new Agent({ keepAlive: false });
  #port;
  #authorization;

  constructor({ port, token }) {
    this.#port = port;
    this.#authorization = `Bearer ${token}`;
  }

  /**
   * @param {{ path: string, headers: object, message: object, timeoutMs: number }} options
   * @returns {Promise<{ status: number, headers: object, text: string, isComplete: boolean }>} `isComplete` is false if
   * the connection broke in the middle of the answer.
   * @throws Error if there was no answer.
   */
  post({ path, headers, message, timeoutMs }) {
    const body = JSON.stringify(message);
    return new Promise((resolve, reject) => {
      const asking = request({
        host: '127.0.0.1',
        port: this.#port,
        method: 'POST',
        path,
        agent: this.#agent,
        headers: {
          ...headers,
          authorization: this.#authorization,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        },
      });
      const timer = setTimeout(() => asking.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
      asking.once('response', answer => {
        let text = '';
        answer.setEncoding('utf8').on('data', chunk => {
          text += chunk;
        });
        answer.once('error', () => {});
        answer.once('close', () => {
          clearTimeout(timer);
          resolve({ status: answer.statusCode, headers: answer.headers, text, isComplete: answer.complete });
        });
      });
      asking.once('error', error => {
        clearTimeout(timer);
        reject(error);
      });
      asking.end(body);
    });
  }

  /**
   * Opens an event stream.
   *
   * @param {{ method: string, path: string, headers: object, message?: object, onText(text: string): void,
   *   onEnd(how: { status?: number, headers?: object, isComplete: boolean, text: string }): void }} options `onEnd` is
   * called once, also if it did not open.
   * @returns How to leave.
   */
  openStream({ method, path, headers, message, onOpen = () => {}, onText, onEnd }) {
    const asking = request({
      host: '127.0.0.1',
      port: this.#port,
      method,
      path,
      agent: this.#streams,
      headers: {
        ...headers,
        authorization: this.#authorization,
        ...(message && { 'content-type': 'application/json' }),
      },
    });
    let isOver = false;
    const end = how => {
      if (!isOver) {
        isOver = true;
        onEnd(how);
      }
    };
    asking.once('response', answer => {
      const isStream = answer.statusCode === 200;
      let text = '';
      if (isStream) {
        onOpen();
      }
      answer.setEncoding('utf8').on('data', chunk => {
        if (isStream) {
          onText(chunk);
        } else {
          text += chunk;
        }
      });
      answer.once('error', () => {});
      answer.once('close', () =>
        end({ status: answer.statusCode, headers: answer.headers, isComplete: answer.complete, text }),
      );
    });
    asking.once('error', error => end({ isComplete: false, text: String(error) }));
    asking.end(message && JSON.stringify(message));
    return () => {
      isOver = true;
      asking.destroy();
    };
  }

  close() {
    this.#agent.destroy();
    this.#streams.destroy();
  }
}
