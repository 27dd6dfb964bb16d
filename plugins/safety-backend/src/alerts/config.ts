import { createHash } from 'node:crypto';
import { type AlertEvent, alertEvents } from '@callboard/actions-api';
import * as z from 'zod';

/** As the Standard Webhooks specification has it: 24 to 64 random bytes. */
const SECRET = /^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/;
/** In place of what a message about a mistake must not repeat: paths of webhooks are often secrets. */
const HIDDEN = '***';

const webhookSchema = z
  .strictObject({
    url: z.string().max(2_000),
    secret: z.string().regex(SECRET, 'expected whsec_ and 24 to 64 random bytes as base64'),
    events: z.array(z.enum(alertEvents)).min(1).optional(),
    allowPrivateNetwork: z.boolean().default(false),
  })
  .superRefine(({ url, allowPrivateNetwork }, context) => {
    const mistake = findMistake(url, allowPrivateNetwork);
    if (mistake) {
      context.addIssue({ code: 'custom', path: ['url'], message: mistake, input: HIDDEN });
    }
  });

export const alertsConfigSchema = z.strictObject({
  webhooks: z
    .array(webhookSchema)
    .max(20)
    .superRefine((webhooks, context) => {
      webhooks.forEach(({ url }, index) => {
        if (webhooks.findIndex(other => other.url === url) < index) {
          context.addIssue({ code: 'custom', path: [index, 'url'], message: 'is there twice', input: HIDDEN });
        }
      });
    })
    .default([]),
});

export const metricsConfigSchema = z.strictObject({ public: z.boolean().default(false) });

/** A place that alerts are sent to. */
export interface Webhook {
  /** Names it in the database, which does not learn its URL. */
  readonly id: string;
  /** Names it in logs. */
  readonly host: string;
  readonly url: string;
  readonly secret: string;
  readonly events: readonly AlertEvent[];
  readonly allowPrivateNetwork: boolean;
}

export function readWebhooks({ webhooks }: z.output<typeof alertsConfigSchema>): Webhook[] {
  return webhooks.map(webhook => ({
    ...webhook,
    id: createHash('sha256').update(webhook.url).digest('hex'),
    host: new URL(webhook.url).host,
    events: webhook.events ?? alertEvents,
  }));
}

function findMistake(text: string, allowPrivateNetwork: boolean): string | undefined {
  if (!URL.canParse(text)) {
    return 'expected a URL';
  }
  const url = new URL(text);
  if (url.username !== '' || url.password !== '' || url.hash !== '') {
    return 'expected a URL without user name, password and fragment';
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && allowPrivateNetwork)) {
    return allowPrivateNetwork ? 'expected an http or https URL' : 'expected an https URL';
  }
  return undefined;
}
