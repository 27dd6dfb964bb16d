import { coreServices, createBackendPlugin, createServiceFactory } from '@backstage/backend-plugin-api';
import { AuthorizeResult } from '@backstage/plugin-permission-common';
import type { JsonObject, JsonValue } from '@backstage/types';
import {
  type Alert,
  type ApprovalBook,
  actionsRegistryServiceRef,
  alertsServiceRef,
  approvalsServiceRef,
} from '@callboard/actions-api';
import { approvalRequest, startTestApp, type TestApp, type TestFeature } from '@callboard/test-utils';
import express from 'express';
import * as z from 'zod';
import { createApprovalsPlugin, type Surroundings } from '../plugin.js';

export const [requester, approver, stranger] = ['requester', 'approver', 'stranger'].map(name =>
  `${name}-token-`.padEnd(40, '0'),
) as [string, string, string];

const article = {
  id: 'A-17',
  title: 'Opening hours',
  text: 'The box office opens at ten and closes when the last curtain has fallen. Members may come an hour earlier.',
  tags: ['visitors', 'box office'],
  isPublished: true,
};

/** What changes an article, with a preview. */
const articlesPlugin = (ran: JsonValue[]) =>
  createBackendPlugin({
    pluginId: 'articles',
    register(env) {
      env.registerInit({
        deps: { registry: actionsRegistryServiceRef },
        async init({ registry }) {
          registry.register({
            name: 'update-article',
            title: 'Update an article',
            description: 'Replaces the text of an article on the website, and its tags.',
            schema: {
              input: z.object({ id: z.string(), text: z.string(), tags: z.array(z.string()).optional() }),
              output: z.object({ id: z.string() }),
            },
            attributes: { destructive: true },
            effect: 'replace',
            preview: async ({ input: { text, tags } }) => ({
              summary: 'The article “Opening hours” would be published with another text.',
              before: article,
              after: { ...article, text, ...(tags && { tags }) },
            }),
            action: async ({ input }) => {
              ran.push(input);
              return { output: { id: input.id } };
            },
          });
        },
      });
    },
  });

export interface ApprovalsApp extends TestApp {
  /** Inputs of calls that ran. */
  readonly ran: JsonValue[];
  readonly alerts: Alert[];
  readonly audited: { eventId: string; outcome: 'succeeded' | 'failed'; meta: JsonObject }[];
  /** Permissions that nobody has. */
  readonly withheld: Set<string>;
  call(path: string, options?: { token?: string; body?: unknown; headers?: Record<string, string> }): Promise<Answer>;
  invoke(actionId: string, input: unknown, token?: string): Promise<Answer>;
  /** Calls the action with a preview, which has to be approved. @returns the id of the approval. */
  ask(input?: { text?: string; tags?: string[] }, token?: string): Promise<string>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  readonly body: any;
}

/** A backend with the plugin, and an action whose calls have to be approved. */
export async function startApprovalsApp(
  options: {
    config?: JsonObject;
    features?: TestFeature[];
    port?: number;
    database?: JsonObject;
    surroundings?: Surroundings;
  } = {},
): Promise<ApprovalsApp> {
  const ran: JsonValue[] = [];
  const alerts: Alert[] = [];
  const audited: ApprovalsApp['audited'] = [];
  const withheld = new Set<string>();
  const app = await startTestApp({
    port: options.port,
    features: [
      createApprovalsPlugin(options.surroundings),
      articlesPlugin(ran),
      listenerPlugin(alerts),
      guestRequestsPlugin,
      permissionsOf(withheld),
      auditorOf(audited),
      ...(options.features ?? []),
    ],
    config: {
      approvals: { approvers: ['user:**', 'external:approver'] },
      ...options.config,
      backend: {
        ...(options.database && { database: options.database }),
        actions: { mode: 'safe', environment: 'staging' },
        auth: {
          externalAccess: Object.entries({ requester, approver, stranger }).map(([subject, token]) => ({
            type: 'static',
            options: { token, subject: `external:${subject}` },
          })),
        },
      },
    },
  });
  const call: ApprovalsApp['call'] = async (path, { token = approver, body, headers } = {}) => {
    const response = await fetch(app.url + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json');
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  };
  const invoke: ApprovalsApp['invoke'] = (actionId, input, token = requester) =>
    call(`/api/${actionId.split(':')[0]}/.backstage/actions/v1/actions/${encodeURIComponent(actionId)}/invoke`, {
      token,
      body: input,
    });
  const ask: ApprovalsApp['ask'] = async (input = {}, token = requester) => {
    const { status, body } = await invoke(
      'articles:update-article',
      { id: 'A-17', text: 'The box office opens at nine.', ...input },
      token,
    );
    if (status !== 403) {
      throw new Error(`Expected the call to wait for approval, got ${status} ${JSON.stringify(body)}`);
    }
    return body.error.approval.id;
  };
  return Object.assign(app, { ran, alerts, audited, withheld, call, invoke, ask });
}

function listenerPlugin(alerts: Alert[]) {
  return createBackendPlugin({
    pluginId: 'listener',
    register(env) {
      env.registerInit({
        deps: { service: alertsServiceRef },
        async init({ service }) {
          service.addSink({ id: 'test', receive: alert => void alerts.push(alert) });
        },
      });
    },
  });
}

/** Opens approvals as if the guest's agent had made the call. */
const guestRequestsPlugin = createBackendPlugin({
  pluginId: 'in-process',
  register(env) {
    env.registerInit({
      deps: { http: coreServices.httpRouter, approvals: approvalsServiceRef },
      async init({ http, approvals }) {
        const router = express.Router();
        router.post('/ask', (_req, res, next) => {
          const { book } = approvals as unknown as { book: ApprovalBook };
          book
            .open(approvalRequest({ principal: 'user:development/guest', agentId: 'Guest Agent' }))
            .then(({ id }) => res.json({ id }))
            .catch(next);
        });
        http.use(router);
      },
    });
  },
});

function permissionsOf(withheld: Set<string>) {
  return createServiceFactory({
    service: coreServices.permissions,
    deps: {},
    factory: () => ({
      authorize: async requests =>
        requests.map(({ permission }) => ({
          result: withheld.has(permission.name) ? AuthorizeResult.DENY : AuthorizeResult.ALLOW,
        })),
      authorizeConditional: async requests => requests.map(() => ({ result: AuthorizeResult.DENY })),
    }),
  });
}

function auditorOf(audited: ApprovalsApp['audited']) {
  return createServiceFactory({
    service: coreServices.auditor,
    deps: {},
    factory: () => ({
      async createEvent({ eventId, meta }) {
        return {
          success: async more => void audited.push({ eventId, outcome: 'succeeded', meta: { ...meta, ...more?.meta } }),
          fail: async more => void audited.push({ eventId, outcome: 'failed', meta: { ...meta, ...more?.meta } }),
        };
      },
    }),
  });
}
