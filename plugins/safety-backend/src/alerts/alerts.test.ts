import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { createBackendPlugin } from '@backstage/backend-plugin-api';
import type { JsonObject } from '@backstage/types';
import { type AlertsService, alertsServiceRef } from '@callboard/actions-api';
import { startTestApp, type TestApp } from '@callboard/test-utils';
import { afterEach, beforeEach, expect, test } from 'vitest';
import safetyFeatures from '../index.js';

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

let app: TestApp;
let receiver: Server;
let received: Record<string, unknown>[];
let alerts: AlertsService;

/** Has others raise alerts. */
const alarmPlugin = createBackendPlugin({
  pluginId: 'alarm',
  register(env) {
    env.registerInit({
      deps: { service: alertsServiceRef },
      async init({ service }) {
        alerts = service;
      },
    });
  },
});

beforeEach(async () => {
  received = [];
  receiver = createServer(async (request, response) => {
    received.push((await json(request)) as Record<string, unknown>);
    response.end();
    receiver.emit('received');
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
});

afterEach(async () => {
  await app.stop();
  receiver.close();
});

async function start(metrics: JsonObject = {}): Promise<void> {
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  app = await startTestApp({
    features: [safetyFeatures, alarmPlugin],
    config: {
      safety: { alerts: { webhooks: [{ url, secret, allowPrivateNetwork: true }] }, metrics },
      backend: { actions: { pluginSources: ['safety'] } },
    },
  });
}

async function raise(): Promise<void> {
  const arrived = once(receiver, 'received');
  alerts.raise({ event: 'paused', message: 'All writes are paused', details: { by: 'user:default/ada' } });
  await arrived;
}

const request = (path: string, { token = app.token, body }: { token?: string | null; body?: object } = {}) =>
  fetch(`${app.url}/api/safety/${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    ...(body && { body: JSON.stringify(body) }),
  });

const getAlerts = (input: object = {}) =>
  request('.backstage/actions/v1/actions/safety:get-alerts/invoke', { body: input });

test('an alert is sent at once, and can be read over HTTP and by the action', async () => {
  await start();

  await raise();

  const alert = { event: 'paused', message: 'All writes are paused', details: { by: 'user:default/ada' } };
  expect(received).toMatchObject([{ type: 'callboard.paused', data: { by: 'user:default/ada' } }]);
  const overHttp = await (await request('v1/alerts?event=paused&limit=1')).json();
  expect(overHttp).toMatchObject({ alerts: [alert] });
  expect(await (await getAlerts({ since: '2020-01-01T00:00:00+01:00' })).json()).toEqual({ output: overHttp });
  expect(await (await request('v1/alerts?event=resumed')).json()).toEqual({ alerts: [] });
  expect(await (await getAlerts({ since: '2999-01-01T00:00:00Z' })).json()).toEqual({ output: { alerts: [] } });
  expect((await request('v1/alerts', { token: null })).status).toBe(401);
});

test('metrics count alerts, deliveries and calls, for those who may see them', async () => {
  await start();
  await raise();
  await getAlerts();
  await getAlerts({ limit: 0 });
  await request('.backstage/actions/v1/actions/safety:none/invoke', { body: {} });

  const response = await request('v1/metrics');

  const lines = (await response.text()).split('\n');
  expect(response.headers.get('content-type')).toMatch(/^text\/plain;.* version=0\.0\.4/);
  expect(lines).toContain('callboard_alerts_total{event="paused"} 1');
  expect(lines).toContain('callboard_alerts_total{event="audit_failure"} 0');
  // Counted when the answer of the receiver is here.
  await expect
    .poll(async () => (await request('v1/metrics')).text())
    .toContain('callboard_webhook_deliveries_total{result="delivered"} 1\n');
  expect(lines).toContain('callboard_calls_total{decision="allow",effect="read",door="http"} 1');
  expect(lines).toContain('callboard_calls_total{decision="refuse_input",effect="read",door="http"} 1');
  expect(lines).toContain('callboard_calls_total{decision="refuse_unknown",effect="unknown",door="http"} 1');
  expect((await request('v1/metrics', { token: null })).status).toBe(401);
});

test('metrics can be public', async () => {
  await start({ public: true });

  expect((await request('v1/metrics', { token: null })).status).toBe(200);
  expect((await request('v1/alerts', { token: null })).status).toBe(401);
});
