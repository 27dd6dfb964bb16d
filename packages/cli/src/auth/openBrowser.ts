import { spawn } from 'node:child_process';
import type { Surroundings } from '../Surroundings.js';

/**
 * Opens a page for the person. The variable `BROWSER` names another program than the usual one.
 *
 * @returns whether something was started that can show it.
 */
export async function openBrowser(url: URL, { env }: Pick<Surroundings, 'env'>): Promise<boolean> {
  try {
    // Standard output may carry the protocol: no program gets hold of it.
    const child = env.BROWSER
      ? spawn(env.BROWSER, [url.href], { stdio: 'ignore', detached: true })
      : await (await import('open')).default(url.href);
    child.unref();
    return await new Promise<boolean>(resolve => {
      child.once('error', () => resolve(false));
      child.once('spawn', () => resolve(true));
      if (child.pid !== undefined) {
        resolve(true);
      }
    });
  } catch {
    // The page is printed as well.
    return false;
  }
}
