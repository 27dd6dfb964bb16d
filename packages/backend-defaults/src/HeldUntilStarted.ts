import type { RootHttpRouterService } from '@backstage/backend-plugin-api';

/** Express' own. */
export type RequestHandler = Parameters<RootHttpRouterService['use']>[1];

/** A start that takes longer has its callers told that there is nothing there. */
const WAIT_MS = 30_000;

/**
 * What comes for a route that nobody has mounted yet waits until all plugins are up: a proxy that only
 * sees that the server listens sends requests before, and "not found" would have clients give up what
 * they have here, such as sessions.
 */
export class HeldUntilStarted {
  readonly #waiting = new Set<() => void>();
  #isStarted = false;

  started(): void {
    this.#isStarted = true;
    for (const go of this.#waiting) {
      go();
    }
    this.#waiting.clear();
  }

  /**
   * @param options.routes - looked through again when all are up.
   * @param options.notFound - answers what is not there then, either.
   */
  handler(options: { routes: RequestHandler; notFound: RequestHandler }): RequestHandler {
    const { routes, notFound } = options;
    return (req, res, next) => {
      if (this.#isStarted) {
        notFound(req, res, next);
        return;
      }
      const lookAgain = () => {
        clearTimeout(timer);
        this.#waiting.delete(lookAgain);
        res.off('close', forget);
        routes(req, res, error => (error ? next(error) : notFound(req, res, next)));
      };
      const forget = () => {
        clearTimeout(timer);
        this.#waiting.delete(lookAgain);
      };
      const timer = setTimeout(lookAgain, WAIT_MS);
      timer.unref();
      res.once('close', forget);
      this.#waiting.add(lookAgain);
    };
  }
}
