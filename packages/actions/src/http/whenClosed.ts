import type { ServerResponse } from 'node:http';

const TELL_ALL = Symbol('whenClosed');

/**
 * Calls `listener` when a response has ended or its connection has gone, as a listener of `close` would be.
 * All of a response share one: the lists that Node makes of several are taken by V8 for objects that live long,
 * and whatever hangs on them, which is the whole request, is freed late.
 */
export function whenClosed(res: ServerResponse, listener: () => void): void {
  const known = res as ServerResponse & { [TELL_ALL]?: () => void };
  const tellOthers = known[TELL_ALL];
  if (tellOthers) {
    known[TELL_ALL] = () => {
      tellOthers();
      listener();
    };
    return;
  }
  known[TELL_ALL] = listener;
  res.once('close', () => known[TELL_ALL]?.());
}
