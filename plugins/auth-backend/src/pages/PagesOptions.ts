import type { AuditorService, LoggerService } from '@backstage/backend-plugin-api';
import type { DeviceFlow } from '../engine/DeviceFlow.js';
import type { Interactions } from '../engine/Interactions.js';
import type { Grants } from '../grants/SqlGrants.js';
import type { AttemptLimit } from '../signIn/AttemptLimit.js';
import type { BrowserSessions } from '../signIn/BrowserSessions.js';
import type { SignIn } from '../signIn/SignIn.js';

/** What the routers of the pages share. */
export interface PagesOptions {
  interactions: Interactions;
  deviceFlow: DeviceFlow;
  grants: Grants;
  signIn: SignIn;
  sessions: BrowserSessions;
  /** Slows down guessing of device codes. */
  attempts: AttemptLimit;
  auditor: AuditorService;
  logger: LoggerService;
  /** External URL of the plugin. */
  baseUrl: string;
}
