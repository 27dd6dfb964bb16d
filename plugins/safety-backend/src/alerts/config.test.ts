import { ConfigReader } from '@backstage/config';
import type { JsonObject } from '@backstage/types';
import { alertEvents, readConfigSection } from '@callboard/actions-api';
import { expect, test } from 'vitest';
import { alertsConfigSchema, metricsConfigSchema, readWebhooks } from './config.js';

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const url = 'https://hooks.example.com/path-canary?key=canary';

const read = (alerts: JsonObject) =>
  readWebhooks(
    readConfigSection(new ConfigReader({ safety: { alerts } }), { key: 'safety.alerts', schema: alertsConfigSchema }),
  );

test('without configuration nothing is sent, and metrics are not public', () => {
  expect(read({})).toEqual([]);
  expect(metricsConfigSchema.parse({})).toEqual({ public: false });
});

test('a webhook gets all events, unless some are chosen, and goes by its host', () => {
  const [all, some] = read({
    webhooks: [
      { url, secret },
      { url: 'http://10.0.0.7:8080/hook', secret, events: ['paused'], allowPrivateNetwork: true },
    ],
  });

  expect(all).toMatchObject({ host: 'hooks.example.com', events: alertEvents, allowPrivateNetwork: false });
  expect(all?.id).toMatch(/^[0-9a-f]{64}$/);
  expect(some).toMatchObject({ host: '10.0.0.7:8080', events: ['paused'], allowPrivateNetwork: true });
});

test.each<[string, JsonObject, RegExp]>([
  ['no URL', { url: 'canary' }, /webhooks\.0\.url: expected a URL/],
  ['plain HTTP', { url: 'http://hooks.example.com/canary' }, /webhooks\.0\.url: expected an https URL/],
  ['another protocol', { url: 'file:///canary', allowPrivateNetwork: true }, /expected an http or https URL/],
  ['a password in the URL', { url: 'https://ada:canary@hooks.example.com/' }, /without user name, password/],
  ['a fragment', { url: 'https://hooks.example.com/#canary' }, /and fragment/],
  ['a short secret', { secret: 'whsec_canary' }, /webhooks\.0\.secret: expected whsec_/],
  ['a secret in another form', { secret: 'canary'.repeat(10) }, /webhooks\.0\.secret: expected whsec_/],
  ['no secret', { secret: undefined as never }, /webhooks\.0\.secret: expected string/],
  ['an unknown event', { events: ['exploded'] }, /webhooks\.0\.events\.0: /],
  ['no events', { events: [] }, /webhooks\.0\.events: /],
  ['a misspelled key', { allowPrivateNetworks: true }, /webhooks\.0\.allowPrivateNetworks: there is no such key/],
])('%s is a mistake, and is not repeated', (_name, changes, message) => {
  const readWrong = () => read({ webhooks: [{ url, secret, ...changes }] });

  expect(readWrong).toThrow(message);
  expect(readWrong).not.toThrow(/canary/);
});

test('the same URL twice is a mistake', () => {
  expect(() =>
    read({
      webhooks: [
        { url, secret },
        { url, secret },
      ],
    }),
  ).toThrow(/webhooks\.1\.url: is there twice, got "\*\*\*"/);
});
