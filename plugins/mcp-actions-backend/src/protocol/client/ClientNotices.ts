import { type CallClient, describeInput, type LogLevel, scrubText, visibleText } from '@callboard/actions-api';
import type { ServerContext } from '@modelcontextprotocol/server';
import { isWanted } from './LogLevels.js';
import { MAX_LOG_BYTES, MAX_LOGGER_CHARACTERS, MAX_PROGRESS_CHARACTERS, PROGRESS_INTERVAL_MS } from './limits.js';

type Progress = Parameters<CallClient['reportProgress']>[0];

/** The request on whose stream a call can tell its client something at the moment. */
export interface NoticeTarget {
  readonly mcpReq: Pick<ServerContext['mcpReq'], 'notify' | '_meta'>;
  /** From which level on the client wants log messages; undefined for none. */
  readonly logLevel: LogLevel | undefined;
}

/**
 * What a call tells its client while it runs: progress (MCP 2025-11-25, basic/utilities/progress), not
 * too often, and log messages (server/utilities/logging) without secrets. With no request to tell it
 * on, the last progress is kept for the next one, and log messages are lost.
 */
export class ClientNotices {
  #target: NoticeTarget | undefined;
  #reported = Number.NEGATIVE_INFINITY;
  #pending: Progress | undefined;
  #nextAtMs = 0;
  #timer: NodeJS.Timeout | undefined;

  attach(target: NoticeTarget): void {
    this.#target = target;
    this.#nextAtMs = 0;
    this.#sendPending();
  }

  /** Tells what is still to be told, before the request is answered. */
  detach(): void {
    if (this.#target && this.#pending) {
      this.#nextAtMs = 0;
      this.#sendPending();
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#target = undefined;
  }

  progress(progress: Progress): void {
    const last = this.#pending?.progress ?? this.#reported;
    if (progress.progress > last && Number.isFinite(progress.progress)) {
      this.#pending = { ...progress };
      this.#sendPending();
    }
  }

  log(level: LogLevel, data: unknown, logger?: string): void {
    const target = this.#target;
    if (!target || !isWanted(level, target.logLevel)) {
      return;
    }
    const { input = null } = describeInput(data, MAX_LOG_BYTES);
    this.#notify({
      method: 'notifications/message',
      params: {
        level,
        data: input,
        ...(logger !== undefined && { logger: visibleText(scrubText(String(logger)), MAX_LOGGER_CHARACTERS) }),
      },
    });
  }

  #sendPending(): void {
    const progressToken = this.#target?.mcpReq._meta?.progressToken;
    if (!this.#pending || progressToken === undefined) {
      return;
    }
    const waitMs = this.#nextAtMs - performance.now();
    if (waitMs > 0) {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.#sendPending();
      }, waitMs).unref();
      return;
    }
    const { progress, total, message } = this.#pending;
    this.#pending = undefined;
    this.#reported = progress;
    this.#nextAtMs = performance.now() + PROGRESS_INTERVAL_MS;
    this.#notify({
      method: 'notifications/progress',
      params: {
        progressToken,
        progress,
        ...(Number.isFinite(total) && { total }),
        ...(message !== undefined && { message: visibleText(scrubText(String(message)), MAX_PROGRESS_CHARACTERS) }),
      },
    });
  }

  #notify(notification: Parameters<ServerContext['mcpReq']['notify']>[0]): void {
    // The client may be gone, of which the call's signal tells; notices are not worth more.
    void this.#target?.mcpReq.notify(notification).catch(() => {});
  }
}
