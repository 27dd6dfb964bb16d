import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Alert } from '@callboard/actions-api';
import { guardedRequest } from '@callboard/outbound-http';
import {
  describeOnPostgres,
  openPostgres,
  openSqlite,
  recordingLogger,
  type TestDatabase,
} from '@callboard/test-utils';
import { Webhook as Receiver } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase } from '../database/openDatabase.js';
import { AlertOutbox } from './AlertOutbox.js';
import { AlertStore } from './AlertStore.js';
import { readWebhooks, type Webhook } from './config.js';
import { DeliveryStore } from './DeliveryStore.js';
import { MAX_ATTEMPTS } from './retries.js';
import { type DeliveryResult, WebhookDeliveries } from './WebhookDeliveries.js';

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

describe('alerts on their way from SQLite', () => deliverySuite(openSqlite));

await describeOnPostgres('alerts on their way from PostgreSQL', () => deliverySuite(openPostgres));

interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  text: string;
}

function deliverySuite(openTestDatabase: () => Promise<TestDatabase>): void {
  let database: TestDatabase;
  let receiver: Server;
  let received: Received[];
  let respond: (response: ServerResponse, request: Received) => void;
  let logs: ReturnType<typeof recordingLogger>['logs'];
  let logger: ReturnType<typeof recordingLogger>['logger'];
  let now: Date;
  let results: DeliveryResult[];

  const clock = () => now;
  const later = (seconds: number) => {
    now = new Date(now.getTime() + seconds * 1_000);
  };
  const port = () => (receiver.address() as AddressInfo).port;
  const webhook = (changes: object = {}) => ({
    url: `http://127.0.0.1:${port()}/path-canary`,
    secret,
    allowPrivateNetwork: true,
    ...changes,
  });

  beforeEach(async () => {
    now = new Date('2027-01-01T00:00:00.000Z');
    results = [];
    received = [];
    respond = response => void response.writeHead(204).end();
    ({ logger, logs } = recordingLogger());
    database = await openTestDatabase();
    await openDatabase({ getClient: async () => database.db });
    receiver = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) {
        chunks.push(chunk as Buffer);
      }
      const { url: path = '', headers } = request;
      const message = { path, headers, text: Buffer.concat(chunks).toString() };
      received.push(message);
      respond(response, message);
    }).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
  });

  afterEach(async () => {
    receiver.closeAllConnections();
    receiver.close();
    await database.drop();
  });

  /** A process of the server. */
  async function openReplica(given: object[] = [webhook()], request: typeof guardedRequest = guardedRequest) {
    const { db } = database;
    const webhooks: Webhook[] = readWebhooks({ webhooks: given as never });
    const store = new AlertStore({ db });
    const waiting = new DeliveryStore({ db });
    const count = (result: DeliveryResult) => void results.push(result);
    const deliveries = new WebhookDeliveries({
      webhooks,
      store: waiting,
      request,
      logger,
      now: clock,
      random: () => 0.5,
      count,
    });
    const outbox = new AlertOutbox({ logger, now: clock });
    await outbox.open({
      db,
      alerts: store,
      deliveries: waiting,
      webhooks,
      onSaved() {},
      onDropped: dropped => void results.push(...Array.from({ length: dropped }, () => 'dropped' as const)),
    });
    const send = async (changes: Partial<Alert> = {}) => {
      outbox.receive(alert(changes));
      await outbox.save();
      await deliveries.deliverDue();
    };
    return { outbox, deliveries, store, waiting, send };
  }

  const alert = (changes: Partial<Alert> = {}): Alert => ({
    event: 'paused',
    time: now.toISOString(),
    message: 'All writes are paused',
    details: { by: 'user:default/ada' },
    ...changes,
  });

  const waitingRows = () => database.db('safety_webhook_deliveries');

  test('an alert arrives once, signed, and is kept', async () => {
    now = new Date();
    const { send, store } = await openReplica();

    await send();

    expect(received).toHaveLength(1);
    const [{ path, headers, text } = {} as Received] = received;
    expect(path).toBe('/path-canary');
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'accept-encoding': 'identity' });
    expect(new Receiver(secret).verify(text, headers as never)).toEqual({
      type: 'callboard.paused',
      timestamp: now.toISOString(),
      data: { message: 'All writes are paused', by: 'user:default/ada' },
    });
    expect(await store.list({ limit: 10 })).toEqual([{ ...alert(), id: headers['webhook-id'] }]);
    expect(await waitingRows()).toEqual([]);
    expect(results).toEqual(['delivered']);
  });

  test('a webhook gets the events that were chosen for it', async () => {
    const { send } = await openReplica([webhook({ events: ['audit_failure'] })]);

    await send();
    await send({ event: 'audit_failure' });

    expect(received.map(({ text }) => JSON.parse(text).type)).toEqual(['callboard.audit_failure']);
  });

  test('is sent again, under the same id and a new time, until it is taken', async () => {
    respond = response => void response.writeHead(received.length < 3 ? 503 : 200).end();
    const { send, deliveries } = await openReplica();

    await send();
    later(4);
    await deliveries.deliverDue();
    expect(received).toHaveLength(1);
    later(1);
    await deliveries.deliverDue();
    later(15);
    await deliveries.deliverDue();
    later(10_000);
    await deliveries.deliverDue();

    expect(received).toHaveLength(3);
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(new Set(received.map(({ headers }) => headers['webhook-timestamp'])).size).toBe(3);
    expect(results).toEqual(['failed', 'failed', 'delivered']);
  });

  test('is given up, loudly, after the last attempt, and is still there to be read', async () => {
    respond = response => void response.writeHead(500).end();
    const { send, deliveries, store } = await openReplica();

    await send();
    for (let attempt = 1; attempt < MAX_ATTEMPTS + 3; attempt += 1) {
      later(1_000);
      await deliveries.deliverDue();
    }

    expect(received).toHaveLength(MAX_ATTEMPTS);
    expect(results.at(-1)).toBe('given_up');
    expect(logs.filter(({ level }) => level === 'error')).toMatchObject([
      {
        message: expect.stringMatching(
          /^Alert msg_\S+ was not taken by the webhook at 127\.0\.0\.1:\d+ \(status 500\)/,
        ),
      },
    ]);
    expect(await store.list({ limit: 10 })).toHaveLength(1);
  });

  test('is given up at once if the receiver will never take it', async () => {
    respond = response => void response.writeHead(410).end();
    const { send, deliveries } = await openReplica();

    await send();
    later(10_000);
    await deliveries.deliverDue();

    expect(received).toHaveLength(1);
    expect(results).toEqual(['given_up']);
  });

  test('waits as long as the receiver asks for', async () => {
    respond = response => void response.writeHead(429, { 'Retry-After': '100' }).end();
    const { send, deliveries } = await openReplica();

    await send();
    later(99);
    await deliveries.deliverDue();
    expect(received).toHaveLength(1);
    later(1);
    await deliveries.deliverDue();

    expect(received).toHaveLength(2);
  });

  test('a redirect is not followed', async () => {
    respond = response => void response.writeHead(307, { Location: '/elsewhere' }).end();
    const { send } = await openReplica();

    await send();

    expect(received.map(({ path }) => path)).toEqual(['/path-canary']);
    expect(results).toEqual(['given_up']);
  });

  test('a webhook in a private network is not asked unless that is allowed, and the log names its host only', async () => {
    const { send } = await openReplica([
      webhook({ url: `https://127.0.0.1:${port()}/path-canary?key=canary`, allowPrivateNetwork: false }),
    ]);

    await send();

    expect(received).toEqual([]);
    expect(results).toEqual(['failed']);
    expect(logs).toMatchObject([{ message: expect.stringContaining('127.0.0.1') }]);
    expect(JSON.stringify(logs)).not.toContain('canary');
    expect(JSON.stringify(await waitingRows())).not.toContain('canary');
    expect(JSON.stringify([logs, await waitingRows()])).not.toContain(secret);
  });

  test('a webhook that does not answer does not hold up another', async () => {
    const other = webhook({ url: `http://127.0.0.1:${port()}/quick` });
    let release = () => {};
    respond = (response, { path }) => {
      if (path === '/quick') {
        response.end();
      } else {
        release = () => void response.end();
      }
    };
    const { send } = await openReplica([webhook(), other]);

    const sent = send();
    while (!results.includes('delivered')) {
      await new Promise(setImmediate);
    }

    expect(results).toEqual(['delivered']);
    release();
    await sent;
    expect(results).toEqual(['delivered', 'delivered']);
  });

  test('what a process left is sent by the next one', async () => {
    const first = await openReplica();
    first.outbox.receive(alert());
    await first.outbox.save();

    const second = await openReplica();
    await second.deliveries.deliverDue();

    expect(received).toHaveLength(1);
  });

  test('what a process died of is sent by another when its lease is over', async () => {
    const dying = await openReplica([webhook()], () => new Promise(() => {}));
    dying.outbox.receive(alert());
    await dying.outbox.save();
    void dying.deliveries.deliverDue();
    while ((await waitingRows().where('attempts', 1)).length === 0) {
      await new Promise(setImmediate);
    }

    const other = await openReplica();
    await other.deliveries.deliverDue();
    expect(received).toEqual([]);
    later(60);
    await other.deliveries.deliverDue();

    expect(received).toHaveLength(1);
  });

  test('of two replicas one sends each', async () => {
    const replicas = [await openReplica(), await openReplica()];
    for (let n = 0; n < 20; n += 1) {
      replicas[n % 2]?.outbox.receive(alert({ message: `${n}` }));
    }
    await Promise.all(replicas.map(({ outbox }) => outbox.save()));

    await Promise.all(replicas.map(({ deliveries }) => deliveries.deliverDue()));

    const messages = received.map(({ text }) => Number(JSON.parse(text).data.message));
    expect(messages.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  test('on shutdown what is under way has some time, and then waits for the next start', async () => {
    respond = () => {};
    const { outbox, deliveries } = await openReplica();
    outbox.receive(alert());
    await outbox.save();

    await deliveries.stop(50);

    expect(received).toHaveLength(1);
    expect(await waitingRows()).toHaveLength(1);
    respond = response => void response.end();
    const next = await openReplica();
    await next.deliveries.deliverDue();
    expect(received).toHaveLength(2);
  });

  test('when too many wait, the oldest are dropped, loudly', async () => {
    const { outbox } = await openReplica();
    for (let n = 0; n < 900; n += 1) {
      outbox.receive(alert({ message: `${n}` }));
    }
    await outbox.save();
    later(1);
    for (let n = 900; n < 1_005; n += 1) {
      outbox.receive(alert({ message: `${n}` }));
    }
    await outbox.save();

    expect(await waitingRows()).toHaveLength(1_000);
    expect((await waitingRows().where('created_at_ms', now.getTime())).length).toBe(105);
    expect(results).toEqual(Array.from({ length: 5 }, () => 'dropped'));
    expect(logs).toContainEqual(
      expect.objectContaining({
        level: 'error',
        message: expect.stringMatching(/not sent to the webhook at 127\.0\.0\.1:\d+, because more than 1000 wait: /),
      }),
    );
  });

  test('without its database it keeps alerts, says so once, and sends them when there is one again', async () => {
    const { outbox, deliveries, store } = await openReplica();
    await database.db.schema.renameTable('safety_alerts', 'gone');

    for (const message of ['a', 'b']) {
      outbox.receive(alert({ message }));
      await outbox.save();
    }
    await database.db.schema.renameTable('gone', 'safety_alerts');
    await outbox.save();
    await deliveries.deliverDue();

    expect(received).toHaveLength(2);
    expect(await store.list({ limit: 10 })).toHaveLength(2);
    expect(logs.filter(({ level }) => level === 'error')).toHaveLength(1);
  });

  test('alerts that come before there is a database are not lost, and the oldest of too many are', async () => {
    const outbox = new AlertOutbox({ logger, now: clock });
    for (let n = 0; n < 1_002; n += 1) {
      outbox.receive(alert({ message: `${n}` }));
    }

    const { db } = database;
    const store = new AlertStore({ db });
    const deliveries = new DeliveryStore({ db });
    await outbox.open({ db, alerts: store, deliveries, webhooks: [], onSaved() {}, onDropped() {} });

    expect(await store.list({ limit: 2_000 })).toHaveLength(1_000);
    expect(logs).toMatchObject([
      { level: 'error', message: expect.stringContaining('is lost') },
      { level: 'error', message: expect.stringContaining('is lost') },
    ]);
  });

  test('alerts are found by event and time, newest first, and kept for a while', async () => {
    const { outbox, store, waiting } = await openReplica();
    for (const event of ['paused', 'resumed', 'paused', 'quarantined'] as const) {
      outbox.receive(alert({ event }));
      later(60);
    }
    await outbox.save();
    const events = async (query: object = {}) => (await store.list({ limit: 10, ...query })).map(({ event }) => event);

    expect(await events()).toEqual(['quarantined', 'paused', 'resumed', 'paused']);
    expect(await events({ event: 'paused' })).toEqual(['paused', 'paused']);
    expect(await events({ since: '2027-01-01T00:02:00.000Z' })).toEqual(['quarantined', 'paused']);
    expect(await events({ limit: 1 })).toEqual(['quarantined']);

    await store.prune({ before: '2027-01-01T00:01:00.000Z', most: 100 });
    expect(await events()).toEqual(['quarantined', 'paused', 'resumed']);
    await store.prune({ before: '2027-01-01T00:00:00.000Z', most: 2 });
    expect(await events()).toEqual(['quarantined', 'paused']);
    expect(await waiting.purge(now.getTime() - 1_000_000)).toBe(0);
    expect(await waiting.purge(now.getTime() + 1)).toBe(4);
    expect(await waitingRows()).toEqual([]);
  });
}
