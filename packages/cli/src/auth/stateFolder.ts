import { join, posix, win32 } from 'node:path';
import type { Surroundings } from '../Surroundings.js';

/** Where what a person has signed in to is kept between commands. */
export function stateFolder({ env, platform, homeDir }: Pick<Surroundings, 'env' | 'platform' | 'homeDir'>): string {
  if (env.CALLBOARD_STATE_DIR) {
    return join(env.CALLBOARD_STATE_DIR);
  }
  switch (platform) {
    case 'win32':
      return win32.join(env.LOCALAPPDATA ?? win32.join(homeDir, 'AppData', 'Local'), 'callboard');
    case 'darwin':
      return posix.join(homeDir, 'Library', 'Application Support', 'callboard');
    default:
      return posix.join(env.XDG_STATE_HOME || posix.join(homeDir, '.local', 'state'), 'callboard');
  }
}
