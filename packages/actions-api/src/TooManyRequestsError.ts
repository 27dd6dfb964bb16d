import { CustomErrorBase } from '@backstage/errors';

/** The caller, or everybody, has asked for more than a limit lets through. Answered with HTTP status 429. */
export class TooManyRequestsError extends CustomErrorBase {
  override name = 'TooManyRequestsError' as const;
}
