import type { LoggerService } from '@backstage/backend-plugin-api';
import { ServiceUnavailableError, stringifyError, toError } from '@backstage/errors';
import type { AlertsService, AuditEntry, AuditedCall, AuditOutcome, AuditTrail } from '@callboard/actions-api';
import { GroupCommit } from './GroupCommit.js';
import { CleanTexts } from './record/CleanTexts.js';
import { CallRecords } from './record/callRecords.js';
import type { CallRecord, RecordContent } from './record/records.js';
import type { TrailSink } from './TrailSink.js';

/** What becomes of calls whose record cannot be written. */
export const failureModes = ['strict', 'strict_mutations', 'best_effort'] as const;
export type FailureMode = (typeof failureModes)[number];

const MAX_GROUP = 1000;

/** Is told of every record; calls go on whatever becomes of it there. */
export interface RecordListener {
  receive(record: CallRecord): void;
}

/**
 * The trail of this process, in one or more places. Calls that come before it is open wait for it,
 * so that none goes unrecorded while the server starts.
 */
export class AuditRecorder implements AuditTrail {
  readonly id = 'audit';
  readonly #failureMode: FailureMode;
  readonly #maxInputBytes: number;
  readonly #writeTimeoutMs: number;
  readonly #logger: LoggerService;
  readonly #alerts: Pick<AlertsService, 'raise'>;
  readonly #listener: RecordListener | undefined;
  readonly #now: () => Date;
  readonly #opened: Promise<readonly Place[]>;
  readonly #texts = new CleanTexts();
  #places: readonly Place[] = [];
  #settle!: (places: readonly Place[]) => void;
  #listenerHasFailed = false;

  constructor(options: {
    failureMode: FailureMode;
    maxInputBytes: number;
    logger: LoggerService;
    alerts: Pick<AlertsService, 'raise'>;
    listener?: RecordListener;
    now: () => Date;
    writeTimeoutMs?: number;
  }) {
    this.#failureMode = options.failureMode;
    this.#maxInputBytes = options.maxInputBytes;
    this.#logger = options.logger;
    this.#alerts = options.alerts;
    this.#listener = options.listener;
    this.#now = options.now;
    this.#writeTimeoutMs = options.writeTimeoutMs ?? 10_000;
    this.#opened = new Promise(resolve => {
      this.#settle = resolve;
    });
  }

  /**
   * Opens the trail with a record that it was opened, which shows that it can be written.
   *
   * @throws if it cannot, unless calls go on without it, too.
   */
  async open(sinks: readonly TrailSink[]): Promise<void> {
    const [logger, alerts, timeoutMs, isVital] = [this.#logger, this.#alerts, this.#writeTimeoutMs, this.#isVital()];
    const places = sinks.map(sink => new Place({ sink, logger, alerts, timeoutMs, isVital }));
    const failure = await writeTo(places, { kind: 'start', time: this.#now().toISOString() });
    this.#places = places;
    if (failure && this.#isVital()) {
      await this.close();
      throw failure;
    }
    this.#settle(places);
  }

  async begin(call: AuditedCall): Promise<AuditEntry> {
    const records = new CallRecords({ call, maxInputBytes: this.#maxInputBytes, texts: this.#texts });
    const subject = call.actionId ?? call.name;
    const isVital = this.#isVital(call);
    const failure = await this.#record(records.intent(this.#now()));
    if (failure && isVital) {
      // The reason stays in the log: it names places of the server's.
      throw new ServiceUnavailableError(`audit: "${subject}" did not run, because the audit trail cannot be written`);
    }
    return {
      finish: async outcome => {
        const lost = await this.#record(records.outcome(this.#now(), outcome));
        if (lost && isVital) {
          throw new ServiceUnavailableError(
            `audit: "${subject}" ran, but how it ended could not be written to the audit trail; find out before you call it again (request id ${call.requestId})`,
          );
        }
      },
    };
  }

  async refuse(call: AuditedCall, outcome: AuditOutcome): Promise<void> {
    const records = new CallRecords({ call, maxInputBytes: this.#maxInputBytes, texts: this.#texts });
    const failure = await this.#record(records.refusal(this.#now(), outcome));
    if (failure) {
      throw failure;
    }
  }

  /** Waits for what is under way and lets go of files. */
  async close(): Promise<void> {
    for (const place of this.#places) {
      await place.close();
    }
  }

  /** Whether a call needs its record. */
  #isVital(call?: AuditedCall): boolean {
    switch (this.#failureMode) {
      case 'strict':
        return true;
      case 'strict_mutations':
        return call?.effect !== 'read';
      case 'best_effort':
        return false;
    }
  }

  /** @returns why it could not be written. */
  async #record(content: CallRecord): Promise<Error | undefined> {
    this.#tellListener(content);
    if (this.#places.length > 0) {
      return writeTo(this.#places, content);
    }
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<Error>(resolve => {
      timer = setTimeout(() => resolve(new Error('The audit trail is not open yet')), this.#writeTimeoutMs);
    });
    const places = await Promise.race([this.#opened, tooLate]);
    clearTimeout(timer);
    return places instanceof Error ? places : writeTo(places, content);
  }

  #tellListener(record: CallRecord): void {
    try {
      this.#listener?.receive(record);
    } catch (error) {
      if (!this.#listenerHasFailed) {
        this.#listenerHasFailed = true;
        this.#logger.warn(`Audit records are not all passed on: ${stringifyError(error)}`);
      }
    }
  }
}

/** @returns why one of them could not take it. */
async function writeTo(places: readonly Place[], content: RecordContent): Promise<Error | undefined> {
  const failures = await Promise.all(places.map(place => place.add(content)));
  return failures.find(failure => failure !== undefined);
}

/** A sink with its queue; says once when it stops taking records, and once when it takes them again. */
class Place {
  readonly #sink: TrailSink;
  readonly #commit: GroupCommit<RecordContent>;
  readonly #logger: LoggerService;
  readonly #alerts: Pick<AlertsService, 'raise'>;
  readonly #isVital: boolean;
  #lost = 0;

  constructor(options: {
    sink: TrailSink;
    logger: LoggerService;
    alerts: Pick<AlertsService, 'raise'>;
    timeoutMs: number;
    isVital: boolean;
  }) {
    const { sink, logger, alerts, timeoutMs, isVital } = options;
    this.#sink = sink;
    this.#logger = logger;
    this.#alerts = alerts;
    this.#isVital = isVital;
    this.#commit = new GroupCommit({ write: items => sink.append(items), maxItems: MAX_GROUP, timeoutMs });
  }

  /** @returns why it could not be written. */
  async add(content: RecordContent): Promise<Error | undefined> {
    try {
      await this.#commit.add(content);
    } catch (error) {
      this.#lost += 1;
      if (this.#lost === 1) {
        const effect = this.#isVital ? 'calls that need it are refused' : 'calls go on without it';
        this.#logger.error(
          `The audit trail cannot be written to ${this.#sink.name}; until it can, ${effect}: ${stringifyError(error)}`,
        );
        this.#alerts.raise({
          event: 'audit_failure',
          message: `The audit trail cannot be written to its ${this.#sink.kind}; until it can, ${effect}`,
          details: { place: this.#sink.kind },
        });
      }
      return toError(error);
    }
    if (this.#lost > 0) {
      this.#logger.warn(`The audit trail is written to ${this.#sink.name} again; ${this.#lost} records were not`);
      this.#lost = 0;
    }
    return undefined;
  }

  async close(): Promise<void> {
    await this.#commit.idle();
    await this.#sink.close();
  }
}
