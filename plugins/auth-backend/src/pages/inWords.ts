/** A time to wait, as a person says it. */
export function inWords(seconds: number): string {
  if (seconds >= 120) {
    return `${Math.ceil(seconds / 60)} minutes`;
  }
  return seconds === 1 ? 'a second' : `${seconds} seconds`;
}
