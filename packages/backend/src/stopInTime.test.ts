import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { stopInTime } from './stopInTime.js';

const ended: [number, string][] = [];
let told: string;
let fake: EventEmitter & { exit(status: number): never };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] });
  ended.length = 0;
  told = '';
  fake = Object.assign(new EventEmitter(), {
    exit: ((status: number) => {
      ended.push([status, told]);
    }) as (status: number) => never,
  });
  stopInTime({ graceMs: 25_000, process: fake as never, tell: text => (told += text) });
});

afterEach(() => vi.useRealTimers());

test('a stop that hangs ends with status 1, after the grace and the time to close', () => {
  fake.emit('SIGTERM');
  vi.advanceTimersByTime(34_999);
  const before = ended.length;
  vi.advanceTimersByTime(1);

  expect(before).toBe(0);
  expect(ended).toEqual([[1, 'Ended: the stop took longer than 35000 ms\n']]);
});

test('a second signal ends it at once', () => {
  fake.emit('SIGTERM');
  vi.advanceTimersByTime(1_000);
  fake.emit('SIGINT');

  expect(ended).toEqual([[130, 'Ended by a second SIGINT\n']]);
});

test('one Ctrl+C that comes from the terminal and from npm is one', () => {
  fake.emit('SIGINT');
  vi.advanceTimersByTime(50);
  fake.emit('SIGINT');

  expect(ended).toEqual([]);
});

test('who else listens hears the first signal, and no other', () => {
  const heard: string[] = [];
  fake.on('SIGTERM', () => heard.push('SIGTERM'));
  fake.on('SIGINT', () => heard.push('SIGINT'));

  fake.emit('SIGTERM');
  fake.emit('SIGTERM');
  fake.emit('SIGINT');

  expect(heard).toEqual(['SIGTERM']);
});
