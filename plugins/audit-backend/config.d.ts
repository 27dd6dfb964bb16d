/** What the plugin reads; it checks it again at start. */
export interface Config {
  audit?: {
    /** Defaults to true. */
    enabled?: boolean;
    /** What becomes of calls whose record cannot be written. Defaults to `strict`. */
    failureMode?: 'strict' | 'strict_mutations' | 'best_effort';
    /** The trail as JSON lines. */
    file?: {
      /** Processes that share it write a chain each. Without it, `audit` in the folder of the SQLite files, or `./data/audit`. */
      directory?: string;
      /** Defaults to 100. */
      maxFileMegabytes?: number;
      /** Defaults to 24. */
      maxFileAgeHours?: number;
      /** The oldest beyond them are removed. Defaults to 365. */
      maxFiles?: number;
    };
    /** The trail as rows that can be searched. */
    database?: {
      /** Defaults to true. */
      enabled?: boolean;
    };
    /** Records as log records of OpenTelemetry, besides. */
    openTelemetry?: {
      /** Defaults to false. */
      enabled?: boolean;
    };
    /** Of a recorded input; what is longer is cut. Defaults to 16384. */
    maxInputBytes?: number;
  };
}
