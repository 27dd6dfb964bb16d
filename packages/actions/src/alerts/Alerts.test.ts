import type { Alert } from '@callboard/actions-api';
import { recordingLogger } from '@callboard/test-utils';
import { expect, test } from 'vitest';
import { Alerts } from './Alerts.js';

const paused = { event: 'paused', message: 'Everything is paused: fire', details: { by: 'user:default/ada' } } as const;

function create() {
  const { logger, logs } = recordingLogger();
  const alerts = new Alerts({ logger, now: () => new Date('2027-01-01T00:00:00.000Z') });
  const received: [string, Alert][] = [];
  const listen = (id: string) => alerts.addSink({ id, receive: alert => void received.push([id, alert]) });
  return { alerts, logs, received, listen };
}

test('an alert is logged so that it can be found, and told to every sink with its time', () => {
  const { alerts, logs, received, listen } = create();
  listen('webhook');
  listen('metrics');

  alerts.raise(paused);

  const alert = { ...paused, time: '2027-01-01T00:00:00.000Z' };
  expect(received).toEqual([
    ['webhook', alert],
    ['metrics', alert],
  ]);
  expect(logs).toEqual([
    { level: 'warn', message: paused.message, isAlert: true, alertEvent: 'paused', by: 'user:default/ada' },
  ]);
});

test('details cannot pass for the marks by which alerts are found', () => {
  const { alerts, logs } = create();

  alerts.raise({ ...paused, details: { isAlert: false, alertEvent: 'resumed' } });

  expect(logs).toMatchObject([{ isAlert: true, alertEvent: 'paused' }]);
});

test('a sink that fails is logged and keeps nothing from the others, nor from who raised the alert', () => {
  const { alerts, logs, received, listen } = create();
  const error = new Error('No route');
  alerts.addSink({
    id: 'broken',
    receive() {
      throw error;
    },
  });
  listen('webhook');

  alerts.raise(paused);

  expect(received).toHaveLength(1);
  expect(logs).toContainEqual({ level: 'error', message: 'The alert sink "broken" failed', error });
});

test('sinks have ids of their own', () => {
  const { listen } = create();
  listen('webhook');

  expect(() => listen('webhook')).toThrow('There is an alert sink "webhook" already');
});
