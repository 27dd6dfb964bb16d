/** What is left of a time, as a person says it; the script of the pages says it alike. */
export function inWords(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  if (seconds >= 7_200) {
    return `${Math.floor(seconds / 3_600)} hours`;
  }
  if (seconds >= 120) {
    return `${Math.floor(seconds / 60)} minutes`;
  }
  return seconds === 1 ? '1 second' : `${seconds} seconds`;
}
