export { alertsConfigSchema, metricsConfigSchema, readWebhooks, type Webhook } from './config.js';
export { type CollectedAlerts, collectAlerts, startAlerts } from './startAlerts.js';
