import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';

/** Why no test can use a browser here; `undefined` if one can. */
export const chromiumIsMissing = existsSync(executablePath)
  ? undefined
  : `There is no browser at ${executablePath}; install one with: apt-get update && apt-get install -y chromium, or set CHROMIUM_PATH`;

/** A real browser with a fresh profile that talks to this machine only. */
export function openChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
