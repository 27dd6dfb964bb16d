import { ConfigReader } from '@backstage/config';
import { expect, test } from 'vitest';
import { isLoopback, readListenAddress } from './listenAddress.js';

test.each([
  [undefined, { host: '', port: 7007 }],
  [':8080', { host: '', port: 8080 }],
  ['8080', { host: '', port: 8080 }],
  ['localhost:8080', { host: 'localhost', port: 8080 }],
  [{ port: '8080' }, { host: '', port: 8080 }],
  [{ host: '127.0.0.1' }, { host: '127.0.0.1', port: 7007 }],
])('backend.listen %j is read as Backstage reads it', (listen, expected) => {
  const mistakes: string[] = [];

  const address = readListenAddress(new ConfigReader({ backend: { listen } }), mistakes);

  expect(address).toEqual(expected);
  expect(mistakes).toEqual([]);
});

test.each([[7007], ['localhost'], ['localhost:http'], [{ port: 70_000 }], [{ host: 1 }], [['127.0.0.1', 7007]]])(
  'backend.listen %j is refused with what was found',
  listen => {
    const mistakes: string[] = [];

    const address = readListenAddress(new ConfigReader({ backend: { listen } }), mistakes);

    expect(address).toBeUndefined();
    expect(mistakes).toEqual([expect.stringContaining(`got ${JSON.stringify(listen)}`)]);
  },
);

test('only addresses of this machine are loopback', () => {
  const loopback = ['127.0.0.1', '127.1.2.3', '::1', 'localhost'].map(host => isLoopback({ host, port: 1 }));
  const open = ['', '0.0.0.0', '::', '10.0.0.1', 'localhost.example.com'].map(host => isLoopback({ host, port: 1 }));

  expect(loopback).toEqual([true, true, true, true]);
  expect(open).toEqual([false, false, false, false, false]);
});
