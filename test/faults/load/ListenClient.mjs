import { mcpPath, modernRequest } from './wire.mjs';

const comeBackMs = 500;

/** A stream of `subscriptions/listen`, opened again whenever it ends. */
export class ListenClient {
  #http;
  #counts;
  #isClosed = false;
  #leave = () => {};

  constructor({ http, counts }) {
    this.#http = http;
    this.#counts = counts;
  }

  open() {
    const request = modernRequest({
      method: 'subscriptions/listen',
      params: { notifications: { toolsListChanged: true } },
    });
    let text = '';
    this.#leave = this.#http.openStream({
      method: 'POST',
      path: mcpPath,
      ...request,
      onOpen: () => {
        this.#counts.listensOpened += 1;
      },
      onText: chunk => {
        text += chunk;
      },
      onEnd: ({ status }) => {
        if (this.#isClosed) {
          return;
        }
        if (status === 200) {
          // In order, if the server said so.
          this.#counts[text.includes('"result"') ? 'listensEnded' : 'listensBroken'] += 1;
        }
        setTimeout(() => this.#isClosed || this.open(), comeBackMs).unref();
      },
    });
  }

  close() {
    this.#isClosed = true;
    this.#leave();
  }
}
