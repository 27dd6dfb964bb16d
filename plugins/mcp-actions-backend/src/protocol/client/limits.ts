/** People take their time; a client that is gone must not be waited for much longer. */
export const MAX_WAIT_MS = 10 * 60_000;

/** Of a call between two questions: as long as actions may be configured to take, and a minute. */
export const LONGEST_MS = (86_400 + 60) * 1_000;

/** Between two notifications of progress of a call: 20 per second. */
export const PROGRESS_INTERVAL_MS = 50;

/** Of the text that goes with progress. */
export const MAX_PROGRESS_CHARACTERS = 1_000;

/** Of the data of one log message, as JSON. */
export const MAX_LOG_BYTES = 16_384;

/** Of the name that a log message gives its source. */
export const MAX_LOGGER_CHARACTERS = 128;
