import { CustomErrorBase } from '@backstage/errors';

/** The action took longer than it may. Its handler has been told, and may still be at work. */
export class ActionTimeoutError extends CustomErrorBase {
  override name = 'ActionTimeoutError' as const;
}
