import { matchesName } from '@callboard/actions-api';

/** Makes an allow-list ready to use; `*` in it stands for any text. Without a list, everything is allowed. */
export function compileAllowList(patterns: readonly string[] | undefined): (name: string) => boolean {
  return patterns === undefined ? () => true : name => patterns.some(pattern => matchesName(pattern, name));
}
