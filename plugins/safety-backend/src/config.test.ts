import { resolve } from 'node:path';
import { ConfigReader } from '@backstage/config';
import type { JsonObject } from '@backstage/types';
import { expect, test } from 'vitest';
import { readSafetyConfig } from './config.js';

const read = (safety: JsonObject) => readSafetyConfig(new ConfigReader({ safety }));

test('without configuration nothing is paused, limited or pinned, and people are operators', () => {
  expect(readSafetyConfig(new ConfigReader({}))).toEqual({
    operators: ['user:*'],
    pause: { file: undefined, startPaused: false },
    limits: [],
    pinning: 'off',
    webhooks: [],
    metricsArePublic: false,
  });
});

test('what is configured is read, with a limit for each principal unless it says otherwise', () => {
  expect(
    read({
      operators: ['user:default/ada', 'external:ops'],
      pause: { file: 'PAUSE', startPaused: true },
      limits: [
        { rate: { calls: 10, seconds: 60 } },
        { name: 'deletes', effects: ['delete'], perDay: 5, per: [] },
        { principal: 'external:*', action: 'todo:*', server: 'ops', concurrency: 2, per: ['principal', 'action'] },
      ],
      pinning: 'hold',
    }),
  ).toEqual({
    operators: ['user:default/ada', 'external:ops'],
    pause: { file: resolve('PAUSE'), startPaused: true },
    limits: [
      { rate: { calls: 10, seconds: 60 }, per: ['principal'] },
      { name: 'deletes', effects: ['delete'], perDay: 5, per: [] },
      { principal: 'external:*', action: 'todo:*', server: 'ops', concurrency: 2, per: ['principal', 'action'] },
    ],
    pinning: 'hold',
    webhooks: [],
    metricsArePublic: false,
  });
});

test('all mistakes are reported together with their paths; none makes the gate weaker', () => {
  const readWrong = () =>
    read({
      operator: [],
      operators: [''],
      pause: { file: '', startpaused: true, startPaused: 'yes' },
      limits: [
        { name: 'none' },
        { rate: { calls: 0, seconds: 0.5, minutes: 1 } },
        { concurrency: 1.5, perDay: 0, effects: ['write'], per: ['client'] },
        { effects: [], perMonth: 1, concurrency: 1 },
      ],
      pinning: 'Hold',
    });

  let message = '';
  try {
    readWrong();
  } catch (error) {
    ({ message } = error as Error);
  }

  const paths = message
    .split('\n')
    .slice(1)
    .map(line => line.trim().replace(/: .*/, ''))
    .sort();
  expect(paths).toEqual(
    [
      'safety.limits.0',
      'safety.limits.1.rate.calls',
      'safety.limits.1.rate.minutes',
      'safety.limits.1.rate.seconds',
      'safety.limits.2.concurrency',
      'safety.limits.2.effects.0',
      'safety.limits.2.per.0',
      'safety.limits.2.perDay',
      'safety.limits.3.effects',
      'safety.limits.3.perMonth',
      'safety.operator',
      'safety.operators.0',
      'safety.pause.file',
      'safety.pause.startPaused',
      'safety.pause.startpaused',
      'safety.pinning',
    ].sort(),
  );
});
