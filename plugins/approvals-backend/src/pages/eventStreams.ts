import { ServiceUnavailableError } from '@backstage/errors';
import type { Request, Response } from 'express';
import type { ApprovalWatch, Subject } from './ApprovalWatch.js';

const MAX_STREAMS = 1_000;
const HEARTBEAT_MS = 15_000;
/** The browser comes back by itself, and is asked again who it is. */
const MAX_AGE_MS = 5 * 60_000;
const RECONNECT_MS = 2_000;

/** Streams of server-sent events to the pages that are open. */
export class EventStreams {
  readonly #watch: ApprovalWatch;
  readonly #open = new Set<Response>();

  constructor(options: { watch: ApprovalWatch }) {
    this.#watch = options.watch;
  }

  /** @throws ServiceUnavailableError if there are too many. */
  start(req: Request, res: Response, subject: Subject): void {
    if (this.#open.size >= MAX_STREAMS) {
      throw new ServiceUnavailableError('Too many pages are open');
    }
    this.#open.add(res);
    const stops: (() => void)[] = [() => this.#open.delete(res)];
    const stop = () => {
      for (const step of stops.splice(0)) {
        step();
      }
    };
    req.once('close', stop);
    res.once('close', stop);
    res.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      // Compression would hold events back.
      'Cache-Control': 'no-store, no-transform',
      'X-Accel-Buffering': 'no',
      'X-Content-Type-Options': 'nosniff',
    });
    res.write(`retry: ${RECONNECT_MS}\n\n`);
    const heartbeat = setInterval(() => res.write(': still here\n\n'), HEARTBEAT_MS).unref();
    const end = setTimeout(() => res.end(), MAX_AGE_MS).unref();
    stops.push(
      () => clearInterval(heartbeat),
      () => clearTimeout(end),
      this.#watch.watch(subject, version => res.write(`event: version\ndata: ${version}\n\n`)),
    );
  }

  stop(): void {
    for (const res of this.#open) {
      res.end();
    }
    this.#watch.stop();
  }
}
