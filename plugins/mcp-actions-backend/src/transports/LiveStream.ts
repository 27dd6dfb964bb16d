/** Where the events of a stream go to at the moment: a response, or another replica that has one. */
export interface Outlet {
  /** @param json - of a message. */
  send(json: string, eventId: string | undefined): void;
  /**
   * Nothing more comes here.
   *
   * @param retryMs - where something comes elsewhere: after how long its client is to come back.
   */
  end(retryMs?: number): void;
}

/** A stream on which something is still to come, whether its client holds it at the moment or not. */
export class LiveStream {
  readonly id: string;
  readonly #outlets = new Set<Outlet>();

  constructor(id: string) {
    this.id = id;
  }

  add(outlet: Outlet): void {
    this.#outlets.add(outlet);
  }

  remove(outlet: Outlet): void {
    this.#outlets.delete(outlet);
  }

  /** Ends the others: a client that comes back takes over from the connection that it lost. */
  keepOnly(outlet: Outlet): void {
    for (const other of this.#outlets) {
      if (other !== outlet) {
        this.#outlets.delete(other);
        other.end();
      }
    }
  }

  send(json: string, eventId: string | undefined): void {
    for (const outlet of this.#outlets) {
      outlet.send(json, eventId);
    }
  }

  end(retryMs?: number): void {
    for (const outlet of this.#outlets) {
      outlet.end(retryMs);
    }
    this.#outlets.clear();
  }
}
