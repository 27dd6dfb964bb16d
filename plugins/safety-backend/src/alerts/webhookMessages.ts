import type { Alert } from '@callboard/actions-api';

/** What is sent of an alert, as the Standard Webhooks specification has it. */
export function webhookBody({ event, time, message, details }: Alert): string {
  return JSON.stringify({ type: `callboard.${event}`, timestamp: time, data: { ...details, message } });
}

/** The headers of one attempt. Receivers know a message that they have got before by its id. */
export async function webhookHeaders(options: { id: string; body: string; secret: string; now: Date }) {
  const { id, body, secret, now } = options;
  const { Webhook: Signer } = await import('standardwebhooks');
  return {
    'content-type': 'application/json',
    'user-agent': 'Callboard',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
    'webhook-signature': new Signer(secret).sign(id, now, body),
  };
}
