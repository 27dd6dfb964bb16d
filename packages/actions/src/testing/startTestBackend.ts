import {
  actionsRegistryServiceFactory as stockActionsRegistryServiceFactory,
  actionsServiceFactory as stockActionsServiceFactory,
} from '@backstage/backend-defaults/alpha';
import type { BackendFeature } from '@backstage/backend-plugin-api';
import type { JsonObject } from '@backstage/types';
import { type LogEntry, startTestApp } from '@callboard/test-utils';

/** A static token of the test backends; its principal is the service `external:tester`. */
export const testToken = 'tester-token-of-the-actions-tests';

export interface HttpAnswer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into by tests only
  body: any;
  text: string;
}

export interface RequestOptions {
  method?: string;
  /** `null` sends no credentials. */
  token?: string | null;
  /** Sent as JSON; strings are sent as they are. */
  body?: unknown;
  headers?: Record<string, string>;
}

export interface TestBackend {
  readonly url: string;
  readonly logs: LogEntry[];
  /** What the auditor wrote, oldest first. */
  readonly auditEvents: AuditEvent[];
  request(path: string, options?: RequestOptions): Promise<HttpAnswer>;
  listActions(pluginId: string, options?: RequestOptions): Promise<HttpAnswer>;
  invokeAction(id: string, options?: RequestOptions & { version?: 'v1' | 'v2' }): Promise<HttpAnswer>;
  stop(): Promise<void>;
}

export interface AuditEvent extends LogEntry {
  eventId: string;
  plugin: string;
  status: 'initiated' | 'succeeded' | 'failed';
  meta: JsonObject & { requestId: string };
}

/** A real backend; with `actions: 'stock'`, Backstage's actions services take the place of Callboard's. */
export async function startTestBackend(options: {
  features: BackendFeature[];
  actions?: 'callboard' | 'stock';
  /** More entries of `backend.auth.externalAccess`. */
  externalAccess?: JsonObject[];
  /** Merged into `backend`. */
  backendConfig?: JsonObject;
  config?: JsonObject;
  port?: number;
}): Promise<TestBackend> {
  const tester = { type: 'static', options: { token: testToken, subject: 'external:tester' } };
  const { url, logs, stop } = await startTestApp({
    features: [
      ...(options.actions === 'stock' ? [stockActionsRegistryServiceFactory, stockActionsServiceFactory] : []),
      ...options.features,
    ],
    config: {
      ...options.config,
      backend: { auth: { externalAccess: [tester, ...(options.externalAccess ?? [])] }, ...options.backendConfig },
    },
    ...(options.port && { port: options.port }),
  });

  const request: TestBackend['request'] = async (path, { method = 'GET', token = testToken, body, headers } = {}) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, text, body: parseJson(text) };
  };
  return {
    url,
    logs,
    get auditEvents() {
      return logs.filter((line): line is AuditEvent => line.isAuditEvent === true);
    },
    request,
    listActions: (pluginId, more) => request(`/api/${pluginId}/.backstage/actions/v1/actions`, more),
    invokeAction(id, { version = 'v1', ...more } = {}) {
      const pluginId = id.split(':')[0];
      const path = `/api/${pluginId}/.backstage/actions/${version}/actions/${encodeURIComponent(id)}/invoke`;
      return request(path, { method: 'POST', body: {}, ...more });
    },
    stop,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
