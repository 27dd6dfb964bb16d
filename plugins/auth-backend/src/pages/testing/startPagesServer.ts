import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AuditorService } from '@backstage/backend-plugin-api';
import { NotFoundError } from '@backstage/errors';
import { recordingLogger } from '@callboard/test-utils';
import express from 'express';
import createKnex, { type Knex } from 'knex';
import { up } from '../../../migrations/20261120121500_browser_sign_in.js';
import type { PendingDevice } from '../../engine/DeviceFlow.js';
import type { PendingInteraction } from '../../engine/Interactions.js';
import type { ConnectedApplication } from '../../grants/SqlGrants.js';
import { AttemptLimit } from '../../signIn/AttemptLimit.js';
import { BrowserSessions } from '../../signIn/BrowserSessions.js';
import { LocalUsers } from '../../signIn/LocalUsers.js';
import { hashPassword } from '../../signIn/passwordHash.js';
import type { ProviderSignIn } from '../../signIn/providers/ProviderSignIn.js';
import { createPagesRouter } from '../createPagesRouter.js';
import { FakeInteractions } from './FakeInteractions.js';

export type AuthorizationRequest = Omit<PendingInteraction, 'uid' | 'step' | 'userEntityRef'>;

/** What the server under test is asked for unless a test says otherwise. */
export const request: AuthorizationRequest = {
  client: {
    id: 'client-1',
    name: 'Sketchpad',
    uri: 'https://sketchpad.example',
    redirectUri: 'https://sketchpad.example/callback',
    isLoopback: false,
  },
  requestedScopes: ['actions:read', 'actions:write', 'actions:destructive'],
  preselectedScopes: ['actions:read', 'actions:write'],
  resource: { url: 'http://localhost:7007/api/mcp-actions/v1', name: 'Callboard' },
};

export const password = 'break a leg';
const passwordHash = hashPassword(password);

/**
 * The pages on a port of their own with a real database; only the engine is a fake. `GET /start` begins the request
 * that `server.next` holds, and `/callback` stands for a program on this computer.
 */
export async function startPagesServer(
  options: {
    signIn?: 'guest' | 'password' | 'both' | 'none';
    prefix?: string;
    providers?: (baseUrl: string) => ProviderSignIn;
  } = {},
) {
  const { signIn = 'both', prefix = '', providers } = options;
  const db: Knex = createKnex({ client: 'better-sqlite3', connection: ':memory:', useNullAsDefault: true });
  await up(db);
  const clock = { now: new Date('2027-01-01T12:00:00.000Z') };
  const now = () => clock.now;
  const { logger, logs } = recordingLogger();
  const audit: { eventId: string; outcome: 'succeeded' | 'failed'; meta: Record<string, unknown> }[] = [];
  const auditor: AuditorService = {
    async createEvent({ eventId, meta }) {
      return {
        success: async more => void audit.push({ eventId, outcome: 'succeeded', meta: { ...meta, ...more?.meta } }),
        fail: async more => void audit.push({ eventId, outcome: 'failed', meta: { ...meta, ...more?.meta } }),
      };
    },
  };

  const app = express();
  const server = await new Promise<Server>(resolve => {
    const listening = app.listen(0, '127.0.0.1', () => resolve(listening));
  });
  const { port } = server.address() as AddressInfo;
  const origin = `http://localhost:${port}`;
  const basePath = `${prefix}/api/auth`;
  const baseUrl = `${origin}${basePath}`;

  const interactions = new FakeInteractions({ basePath });
  const grants: ConnectedApplication[] = [];
  const devices = new Map<string, PendingDevice>();
  const deviceAnswers: unknown[] = [];
  const limit = new AttemptLimit({ db, now });
  const users = [
    { name: 'ada', passwordHash: await passwordHash },
    { name: 'grace', passwordHash: await passwordHash },
  ];
  const state = { next: request };
  const getDevice = (userCode: string) => {
    const device = devices.get(userCode.toUpperCase());
    if (!device) {
      throw new NotFoundError('No device waits for this code');
    }
    return device;
  };

  app.get('/start', (_req, res) => res.redirect(303, interactions.start(res, state.next)));
  app.get('/callback', (_req, res) => res.send('<title>Back in the application</title>'));
  app.use(
    // A proxy that strips its prefix leaves the plugin at the usual path.
    basePath,
    createPagesRouter({
      interactions,
      attempts: limit,
      deviceFlow: {
        get: async userCode => getDevice(userCode),
        approve: async (userCode, result) => {
          devices.delete(getDevice(userCode).userCode);
          deviceAnswers.push(result);
        },
        deny: async userCode => {
          devices.delete(getDevice(userCode).userCode);
          deviceAnswers.push('denied');
        },
      },
      grants: {
        list: async userEntityRef => (userEntityRef === 'user:default/ada' ? grants : []),
        revoke: async (userEntityRef, grantId) => {
          const index = grants.findIndex(({ id }) => id === grantId && userEntityRef === 'user:default/ada');
          if (index === -1) {
            throw new NotFoundError('You have given no such access.');
          }
          grants.splice(index, 1);
        },
      },
      signIn: {
        providers: providers?.(baseUrl),
        ...((signIn === 'guest' || signIn === 'both') && { guest: { userEntityRef: 'user:development/guest' } }),
        ...((signIn === 'password' || signIn === 'both') && { localUsers: new LocalUsers({ users, limit }) }),
      },
      sessions: new BrowserSessions({ db, now, baseUrl }),
      auditor,
      logger,
      baseUrl,
    }),
  );

  return {
    origin,
    baseUrl,
    port,
    interactions,
    grants,
    devices,
    deviceAnswers,
    audit,
    logs,
    db,
    advanceSeconds(seconds: number) {
      clock.now = new Date(clock.now.getTime() + seconds * 1000);
    },
    /** What the next visit to `/start` asks for. */
    ask(next: Partial<Omit<AuthorizationRequest, 'client'>> & { client?: Partial<AuthorizationRequest['client']> }) {
      state.next = { ...request, ...next, client: { ...request.client, ...next.client } };
    },
    async close() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
      await db.destroy();
    },
  };
}

export type PagesServer = Awaited<ReturnType<typeof startPagesServer>>;
