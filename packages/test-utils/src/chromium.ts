import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { describeUnless } from './testDatabases.js';

const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';

const chromiumIsMissing = existsSync(executablePath)
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

/** Defines tests that need a browser; without one they are skipped, with a line that says so, and fail in CI. */
export function describeInChromium(name: string, define: () => void): void {
  describeUnless(chromiumIsMissing, name, define);
}
