import { Writable } from 'node:stream';
import { WinstonLogger } from '@backstage/backend-defaults/rootLogger';
import type { RootLoggerService } from '@backstage/backend-plugin-api';
import { InputError } from '@backstage/errors';
import type { JsonObject } from '@backstage/types';
import { describe, expect, test } from 'vitest';
import winston from 'winston';
import { findSecrets, LineLogger } from './LineLogger.js';
import { createLevelFilter, type LevelOverride } from './logLevels.js';
import { textLine } from './textLine.js';

const cyclic: JsonObject = { a: 1 };
cyclic.self = cyclic;

const calls: {
  title: string;
  log: (logger: Pick<RootLoggerService, 'error' | 'warn' | 'info' | 'debug' | 'child'>) => void;
}[] = [
  { title: 'a message', log: logger => logger.info('It is up') },
  {
    title: 'every level',
    log: logger => (['error', 'warn', 'info', 'debug'] as const).map(level => logger[level](level)),
  },
  {
    title: 'fields',
    log: logger => logger.warn('Look', { a: 1, b: 'two', c: { d: [null, true] }, e: undefined as never }),
  },
  { title: 'a field that has no JSON', log: logger => logger.info('Round', { cyclic }) },
  { title: 'an error', log: logger => logger.error('It failed', errorAt('nowhere')) },
  {
    title: 'lines of a plugin',
    log: logger => logger.child({ plugin: 'todo' }).child({ item: 1 }).info('Hi', { by: 'Ada' }),
  },
  { title: 'a field of the same name', log: logger => logger.child({ a: 1, b: 2 }).info('Hi', { a: 3 }) },
  { title: 'its own time', log: logger => logger.info('Hi', { timestamp: 'yesterday' }) },
  { title: 'a secret', log: logger => logger.info('The token is s3cret, really', { token: 's3cret' }) },
];

describe('lines are those of Backstage’s logger', () => {
  describe.each([{ colours: true }, { colours: false }])('with %j', ({ colours }) => {
    test.each(calls)('$title', ({ log }) => {
      const ours = startOurs({ colours });
      const theirs = startTheirs({ colours });

      log(ours.logger);
      log(theirs.logger);

      expect(ours.lines()).toEqual(theirs.lines());
      expect(ours.lines()).not.toEqual([]);
    });
  });

  test.each<LevelOverride[]>([
    [{ matchers: { plugin: 'todo' }, level: 'debug' }],
    [{ matchers: { plugin: ['todo', 'audit'] }, level: 'error' }],
    [{ matchers: { plugin: '/^(au|sa)/', message: '/SLOW/i' }, level: 'debug' }],
    [
      { matchers: { count: 3, message: '/(/' }, level: 'debug' },
      { matchers: { count: 3 }, level: 'silly' },
    ],
    [
      { matchers: {}, level: 'warn' },
      { matchers: { plugin: 'todo' }, level: 'debug' },
    ],
    [{ matchers: { plugin: '//' }, level: 'error' }],
  ])('with the overrides %j', (...overrides) => {
    const ours = startOurs({ overrides });
    const theirs = startTheirs({ overrides });

    for (const { logger } of [ours, theirs]) {
      for (const plugin of ['todo', 'audit', 'safety']) {
        const child = logger.child({ plugin });
        child.error('broken');
        child.warn('odd', { count: 3 });
        child.info('all is well');
        child.debug('slow', { count: 3 });
      }
    }

    expect(ours.lines()).toEqual(theirs.lines());
  });
});

function startOurs({ colours = false, overrides = [] }: { colours?: boolean; overrides?: LevelOverride[] }) {
  let text = '';
  const logger = new LineLogger({
    lines: {
      level: 'info',
      ...(overrides.length > 0 && { filter: createLevelFilter({ level: 'info', overrides }) }),
      secrets: findSecrets(['s3cret']),
      render: entry => textLine(entry, { colours }),
      write: line => {
        text += line;
      },
    },
    meta: { service: 'callboard' },
  });
  return { logger, lines: () => linesOf(text) };
}

function startTheirs({ colours = false, overrides = [] }: { colours?: boolean; overrides?: LevelOverride[] }) {
  let text = '';
  const format = WinstonLogger.colorFormat();
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      done();
    },
  });
  const logger = WinstonLogger.create({
    level: 'info',
    meta: { service: 'callboard' },
    format: colours ? format : winston.format.combine(format, winston.format.uncolorize()),
    transports: [new winston.transports.Stream({ stream })],
  });
  logger.addRedactions(['s3cret']);
  logger.setLevelOverrides(overrides as never);
  return { logger, lines: () => linesOf(text) };
}

/** The time is another each time. */
function linesOf(text: string): string[] {
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => line.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/, 'TIME'));
}

function errorAt(place: string): Error {
  const error = new InputError('no such thing');
  error.stack = `InputError: no such thing\n    at ${place}`;
  return error;
}
