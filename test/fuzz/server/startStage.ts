import { createBackendPlugin } from '@backstage/backend-plugin-api';
import type { JsonObject } from '@backstage/types';
import { actionsRegistryServiceRef, auditTrailsServiceRef } from '@callboard/actions-api';
import mcpFeatures from '@callboard/plugin-mcp-actions-backend';
import { startTestApp } from '@callboard/test-utils';
import * as z from 'zod';
import { inProcessCaller } from '../../../packages/actions/src/testing/actionsPlugin.js';
import { Violation } from '../engine/expect.js';
import { ownTokens } from './ownTokens.js';
import { callerRules, clientIdOf, type KnownCaller, modes, nameOf, profiles, servers } from './rules.js';
import { StageMonitor } from './StageMonitor.js';
import { idOf, type Subject, subjects } from './subjects.js';

/** In the messages of errors that no caller is to see. */
export const HIDDEN = 'S3crOfTheHandler';
const SETTLE_LIMIT_MS = 15_000;
/** User tokens are good for an hour. */
const TOKEN_LIFETIME_MS = 30 * 60_000;
const output = z.object({ done: z.string() });

export type Stage = Awaited<ReturnType<typeof startStage>>;

/** A backend with actions of every kind, callers of every kind, and a monitor behind all doors. */
export async function startStage() {
  const monitor = new StageMonitor();
  const tokens = await ownTokens();
  const local = inProcessCaller();
  const kept = new Map<string, { token: Promise<string>; madeAtMs: number }>();
  const keep = (key: string, make: () => Promise<string>): Promise<string> => {
    let entry = kept.get(key);
    if (!entry || Date.now() - entry.madeAtMs > TOKEN_LIFETIME_MS) {
      entry = { token: make(), madeAtMs: Date.now() };
      kept.set(key, entry);
    }
    return entry.token;
  };
  const { log, ...app } = await startApp(monitor, [tokens.feature, local.feature]);
  const problem = app.logs.find(({ level }) => level === 'error');
  if (problem) {
    await app.stop();
    throw new Error(`The backend under test says: ${problem.message}`);
  }

  return {
    ...app,
    monitor,
    local,
    mcpPath: '/api/mcp-actions/v1',
    /** Of a service, which has no scopes. */
    serviceToken,
    userToken: (caller: KnownCaller) =>
      keep(`user ${nameOf(caller)}`, () => tokens.userToken(`user:${nameOf(caller)}`)),
    /** Of a client that acts for a user. */
    accessToken(caller: KnownCaller) {
      const scopes = caller.scopes ?? [];
      const clientId = clientIdOf(scopes);
      return keep(`access ${nameOf(caller)} ${clientId}`, () =>
        tokens.accessToken({ person: `user:${nameOf(caller)}`, clientId, scopes }),
      );
    },
    /** @throws Violation for what was wrong since the case began. */
    check: () => monitor.throwFirst(app.logs),
    /** Runs one case, of which nothing is left for the next if it fails. */
    async during(work: () => Promise<void>): Promise<void> {
      monitor.reset();
      try {
        await work();
      } catch (error) {
        app.logs.length = 0;
        throw error;
      }
    },
    /** Waits until nothing is open any more. */
    async settle() {
      const endAtMs = performance.now() + SETTLE_LIMIT_MS;
      const isSettled = () => monitor.openIntents === 0 && log.established === log.closed;
      while (!isSettled() && performance.now() < endAtMs) {
        await new Promise(resolve => setTimeout(resolve, 5));
      }
      if (!isSettled()) {
        const { established, closed } = log;
        // Told once.
        log.closed = established;
        throw new Violation(
          `Something stays open: ${established} connections were opened and ${closed} closed, ${monitor.openIntents} calls have no outcome`,
        );
      }
    },
  };
}

export const serviceToken = (caller: Pick<KnownCaller, 'mode' | 'profile'>) =>
  `S3crTokenOf-${nameOf(caller).replace('/', '-')}`;

async function startApp(monitor: StageMonitor, features: unknown[]) {
  const services = modes.flatMap(mode => [undefined, ...profiles].map(profile => ({ mode, profile })));
  const app = await startTestApp({
    features: [mcpFeatures, ...pluginsOf(monitor), ...features] as never,
    config: {
      // Makes the MCP plugin take access tokens.
      auth: { clients: [{ clientId: 'client', name: 'Client' }] },
      mcpActions: {
        allowedHosts: ['board.example', 'other.example:8443'],
        allowedOrigins: ['https://app.example'],
        maxRequestBodyBytes: 65_536,
        servers: {
          ops: { name: 'Ops', profile: servers.ops.profile },
          reader: { name: 'Reader', mode: servers.reader.mode },
          half: {
            name: 'Half',
            profile: servers.half.profile,
            mode: servers.half.mode,
            filter: { exclude: [{ id: 'lights:*' }] },
          },
        },
      },
      backend: {
        auth: {
          externalAccess: services.map(caller => ({
            type: 'static',
            options: { token: serviceToken(caller), subject: `svc:${nameOf(caller)}` },
          })) as unknown as JsonObject[],
        },
        actions: {
          pluginSources: ['stage', 'lights'],
          mode: 'full_access',
          environment: 'rehearsal',
          callers: callerRules,
          profiles: {
            narrow: { capabilities: ['actions:read', 'actions:write'], filter: { exclude: [{ id: 'lights:*' }] } },
          },
          filter: { exclude: [{ id: 'lights:filtered-out' }] },
        },
      },
    } as unknown as JsonObject,
  });
  return { ...app, log: watchConnections(app.logs) };
}

/** Counts connections by the audit events of their beginning and end, before the log is emptied. */
function watchConnections(logs: { length: number }) {
  const count = { established: 0, closed: 0 };
  const push = Array.prototype.push.bind(logs);
  Object.defineProperty(logs, 'push', {
    value: (...entries: Record<string, unknown>[]) => {
      for (const { isAuditEvent, eventId, status, meta } of entries) {
        const { actionType } = (meta ?? {}) as { actionType?: keyof typeof count };
        if (isAuditEvent && eventId === 'connection' && status === 'succeeded' && actionType && actionType in count) {
          count[actionType] += 1;
        }
      }
      return push(...entries);
    },
  });
  return count;
}

function pluginsOf(monitor: StageMonitor) {
  const register = (pluginId: string, own: readonly Subject[]) =>
    createBackendPlugin({
      pluginId,
      register(env) {
        env.registerInit({
          deps: { registry: actionsRegistryServiceRef, trails: auditTrailsServiceRef },
          async init({ registry, trails }) {
            if (pluginId === 'stage') {
              trails.add(monitor.trail);
            }
            for (const subject of own) {
              registerSubject(registry, subject, monitor);
            }
          },
        });
      },
    });
  return (['stage', 'lights'] as const).map(plugin =>
    register(
      plugin,
      subjects.filter(subject => subject.plugin === plugin),
    ),
  );
}

function registerSubject(registry: typeof actionsRegistryServiceRef.T, subject: Subject, monitor: StageMonitor): void {
  registry.register({
    name: subject.name,
    title: subject.name,
    description: `Does ${subject.name}`,
    schema: { input: subject.schema, output },
    ...(subject.says as object),
    action: async ({ input }: { input: unknown }) => {
      monitor.ran(subject, idOf(subject), input);
      if (subject.fails) {
        throw new Error(`${HIDDEN} of ${subject.name} at ${import.meta.url}`);
      }
      return { output: { done: String((input as { key?: unknown }).key) } };
    },
  } as never);
}
