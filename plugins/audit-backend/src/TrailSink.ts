import type { RecordContent } from './record/records.js';

/** A place where records are kept, as a chain of its own. */
export interface TrailSink {
  /** Named in alerts, which tell no places of the server's. */
  readonly kind: 'files' | 'database';
  /** Named in errors and logs. */
  readonly name: string;
  /**
   * Writes records in their order; never called again before it has ended.
   *
   * @throws if it is not sure that all of them will be there tomorrow.
   */
  append(contents: readonly RecordContent[]): Promise<void>;
  /** Lets go of what it holds open; it may be written again. */
  close(): Promise<void>;
}
