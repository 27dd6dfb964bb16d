import { authorization as authorization2025 } from './requirements/2025-11-25/authorization.js';
import { basic as basic2025 } from './requirements/2025-11-25/basic.js';
import { features as features2025 } from './requirements/2025-11-25/features.js';
import { authorization as authorization2026 } from './requirements/2026-07-28/authorization.js';
import { basic as basic2026 } from './requirements/2026-07-28/basic.js';
import { features as features2026 } from './requirements/2026-07-28/features.js';
import { transports as transports2026 } from './requirements/2026-07-28/transports.js';
import type { Requirement } from './requirements/requirement.js';

/**
 * Every sentence of both revisions of MCP that obliges a server with a MUST, in our own words, and the
 * tests that prove it. Sentences that oblige clients only are left out.
 */
export const requirements: readonly Requirement[] = [
  ...basic2025,
  ...authorization2025,
  ...features2025,
  ...basic2026,
  ...transports2026,
  ...authorization2026,
  ...features2026,
];
