import type { Alert, AlertsService } from '@callboard/actions-api';

/** Alerts that are kept instead of delivered. */
export function recordingAlerts(): { alerts: AlertsService; raised: Omit<Alert, 'time'>[] } {
  const raised: Omit<Alert, 'time'>[] = [];
  return { raised, alerts: { raise: alert => void raised.push(alert), addSink() {} } };
}
