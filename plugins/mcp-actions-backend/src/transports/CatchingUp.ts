import type { Outlet } from './LiveStream.js';
import type { MissedEvents } from './SentEvents.js';

/**
 * An outlet for a client that comes back: it waits with what is sent meanwhile until what was missed is
 * there, and sends each event once.
 */
export class CatchingUp implements Outlet {
  readonly #waiting: { json: string; eventId: string | undefined }[] = [];
  #outlet: Outlet | undefined;
  #isOver = false;

  send(json: string, eventId: string | undefined): void {
    if (this.#outlet) {
      this.#outlet.send(json, eventId);
    } else {
      this.#waiting.push({ json, eventId });
    }
  }

  end(retryMs?: number): void {
    this.#isOver = true;
    this.#outlet?.end(retryMs);
  }

  /** Sends what was missed, then what has waited, and from then on whatever comes. */
  catchUp(outlet: Outlet, missed: MissedEvents['events']): void {
    const sent = new Set(missed.map(({ id }) => id));
    for (const { id, json } of missed) {
      outlet.send(json, id);
    }
    for (const { json, eventId } of this.#waiting.splice(0)) {
      if (eventId === undefined || !sent.has(eventId)) {
        outlet.send(json, eventId);
      }
    }
    this.#outlet = outlet;
    if (this.#isOver) {
      outlet.end();
    }
  }
}
