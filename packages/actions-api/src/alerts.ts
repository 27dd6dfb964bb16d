import { createServiceRef } from '@backstage/backend-plugin-api';
import type { JsonObject } from '@backstage/types';

export const alertEvents = [
  'approval_requested',
  'approval_approved',
  'approval_denied',
  'approval_timed_out',
  'paused',
  'resumed',
  'quarantined',
  'audit_failure',
] as const;
export type AlertEvent = (typeof alertEvents)[number];

/** Something that the people who run the server want to know of at once. */
export interface Alert {
  readonly event: AlertEvent;
  /** ISO 8601, UTC. */
  readonly time: string;
  /** One sentence; never a secret. */
  readonly message: string;
  /** Plain values that tell more, such as `approvalId` and `url`; never a secret. */
  readonly details: JsonObject;
}

export interface AlertSink {
  /** Unique; named in logs. */
  readonly id: string;
  /** Must return at once; what it throws is logged. */
  receive(alert: Alert): void;
}

/** Tells everybody who listens. Each alert is logged as well, with `isAlert: true`. */
export interface AlertsService {
  raise(alert: Omit<Alert, 'time'>): void;
  /** @throws Error if there is a sink of that id. */
  addSink(sink: AlertSink): void;
}

export const alertsServiceRef = createServiceRef<AlertsService>({ id: 'callboard.alerts', scope: 'root' });
