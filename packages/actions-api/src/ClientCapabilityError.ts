import { CustomErrorBase } from '@backstage/errors';
import type { JsonObject } from '@backstage/types';

/** The call needs something of the caller's client that it does not have. */
export class ClientCapabilityError extends CustomErrorBase {
  override name = 'ClientCapabilityError' as const;
  /** Client capabilities as MCP words them, such as `{ elicitation: { url: {} } }`. */
  readonly required: JsonObject;

  constructor(message: string, required: JsonObject) {
    super(message);
    this.required = required;
  }
}
