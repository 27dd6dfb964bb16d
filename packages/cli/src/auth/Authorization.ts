/** What goes into the header `Authorization`, and what can be done when a server wants something else. */
export interface Authorization {
  token(): Promise<string | undefined>;
  /**
   * Gets another token, if there is a way.
   *
   * @param usedToken - the one that was not enough.
   * @param isAwaited - whether somebody waits for the request, and may be sent to a page.
   * @returns whether to make the request again.
   * @throws NotAllowedError that says why there is no way.
   */
  renew(refusal: Response, usedToken: string | undefined, isAwaited: boolean): Promise<boolean>;
}

/** A token that was given. */
export class GivenToken implements Authorization {
  readonly #token: string;

  constructor(token: string) {
    this.#token = token;
  }

  async token(): Promise<string> {
    return this.#token;
  }

  async renew(): Promise<boolean> {
    return false;
  }
}
