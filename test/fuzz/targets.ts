import { callsTarget } from './calls/target.js';
import { configurationTarget } from './configuration/target.js';
import type { FuzzTarget } from './engine/FuzzTarget.js';
import { headersTarget } from './headers/target.js';
import { parsersTarget } from './parsers/target.js';
import { protocolTarget } from './protocol/target.js';
import { redirectsTarget } from './redirects/target.js';

/** All targets, the quickest first. */
export const targets: readonly FuzzTarget<never>[] = [
  parsersTarget,
  redirectsTarget,
  configurationTarget,
  callsTarget,
  headersTarget,
  protocolTarget,
] as never;
