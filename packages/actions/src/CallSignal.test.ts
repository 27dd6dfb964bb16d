import { expect, test, vi } from 'vitest';
import { CallAbort, toAbortSignal } from './CallSignal.js';

test('listeners hear of it once, and those that have gone do not', () => {
  const call = new CallAbort();
  const [heard, gone] = [vi.fn(), vi.fn()];
  call.addEventListener('abort', heard);
  call.addEventListener('abort', gone);
  call.removeEventListener('abort', gone);

  call.abort('because');
  call.abort('again');

  expect(heard).toHaveBeenCalledTimes(1);
  expect(gone).not.toHaveBeenCalled();
  expect(call).toMatchObject({ aborted: true, reason: 'because' });
  expect(() => call.throwIfAborted()).toThrow('because');
});

test.each([
  ['before', 'because'],
  ['after', 'because'],
  ['before', undefined],
  ['after', undefined],
] as const)('the platform’s signal, asked for %s the end, says the same (reason %s)', (when, reason) => {
  const call = new CallAbort();
  const early = when === 'before' ? toAbortSignal(call) : undefined;

  call.abort(reason);
  const signal = toAbortSignal(call);

  expect(signal).toBeInstanceOf(AbortSignal);
  expect(early ?? signal).toBe(signal);
  expect(signal.aborted).toBe(true);
  expect(signal.reason).toBe(call.reason);
  expect((signal.reason as Error).name ?? signal.reason).toBe(reason ?? 'AbortError');
});

test('a signal of the platform’s stays what it is', () => {
  const { signal } = new AbortController();

  expect(toAbortSignal(signal)).toBe(signal);
});
