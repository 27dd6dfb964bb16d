import { parseArgs } from 'node:util';

/** Wrong arguments; the message is for whoever typed them. */
export class UsageError extends Error {}

/**
 * @param {string[]} argv
 * @param {import('node:util').ParseArgsConfig['options']} options
 * @returns {any} The values.
 * @throws UsageError
 */
export function parseOptions(argv, options) {
  try {
    return parseArgs({ args: argv, options }).values;
  } catch (error) {
    throw new UsageError(error.message);
  }
}

/** @throws UsageError that says what was expected and what came. */
export function readNumber(option, text, least, most, { whole = true } = {}) {
  const number = text.trim() === '' ? Number.NaN : Number(text);
  const isRight = whole ? Number.isInteger(number) : Number.isFinite(number);
  if (!isRight || number < least || number > most) {
    throw new UsageError(
      `${option}: expected a ${whole ? 'whole ' : ''}number from ${least} to ${most}, got ${text || 'nothing'}`,
    );
  }
  return number;
}
