import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { webhookBody, webhookHeaders } from './webhookMessages.js';

test('signs as the reference implementations of Standard Webhooks do', async () => {
  const headers = await webhookHeaders({
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    body: '{"test": 2432232314}',
    secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    now: new Date(1_614_265_330_000),
  });

  expect(headers).toMatchObject({
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

test('signs id, time in seconds and body with the bytes of the secret', async () => {
  const key = Buffer.alloc(32, 7);

  const headers = await webhookHeaders({
    id: 'msg_1',
    body: '{"ü":"🌱"}',
    secret: `whsec_${key.toString('base64')}`,
    now: new Date('2027-01-01T00:00:00.999Z'),
  });

  const expected = createHmac('sha256', key).update('msg_1.1798761600.{"ü":"🌱"}').digest('base64');
  expect(headers['webhook-signature']).toBe(`v1,${expected}`);
});

test('a message says what happened, when, and what is known of it', () => {
  const alert = {
    event: 'approval_requested',
    time: '2027-01-01T00:00:00.000Z',
    message: 'ada wants to purge',
    details: { approvalId: 'a1', url: 'https://callboard.example/approvals/a1' },
  } as const;

  expect(JSON.parse(webhookBody(alert))).toEqual({
    type: 'callboard.approval_requested',
    timestamp: '2027-01-01T00:00:00.000Z',
    data: { message: 'ada wants to purge', approvalId: 'a1', url: 'https://callboard.example/approvals/a1' },
  });
});
