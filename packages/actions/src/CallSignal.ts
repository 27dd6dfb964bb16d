/** What tells a call to end early: an `AbortSignal`, or a {@link CallAbort}. */
export interface CallSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: 'abort', listener: () => void, options?: { once: true }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/**
 * Controller and signal in one, for calls: nearly all end without anybody having looked at theirs, and to
 * make an `AbortSignal` costs more than some calls do.
 */
export class CallAbort implements CallSignal {
  readonly #listeners: (() => void)[] = [];
  #controller: AbortController | undefined;
  #isAborted = false;
  #reason: unknown;

  get aborted(): boolean {
    return this.#isAborted;
  }

  get reason(): unknown {
    return this.#reason;
  }

  /** The same as a signal of the platform's, made when it is first asked for. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#isAborted) {
        this.#controller.abort(this.#reason);
      }
    }
    return this.#controller.signal;
  }

  abort(reason: unknown = new DOMException('This operation was aborted', 'AbortError')): void {
    if (this.#isAborted) {
      return;
    }
    this.#isAborted = true;
    this.#reason = reason;
    for (const listener of this.#listeners.splice(0)) {
      listener();
    }
    this.#controller?.abort(reason);
  }

  throwIfAborted(): void {
    if (this.#isAborted) {
      throw this.#reason;
    }
  }

  /** As an `AbortSignal`: whoever listens too late hears nothing. */
  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.push(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    const at = this.#listeners.indexOf(listener);
    if (at >= 0) {
      this.#listeners.splice(at, 1);
    }
  }
}

/** For what takes nothing else, such as `fetch` and handlers of actions. */
export function toAbortSignal(signal: CallSignal): AbortSignal {
  return signal instanceof CallAbort ? signal.signal : (signal as AbortSignal);
}
