import { expect, test } from 'vitest';
import { openGuestSignIn } from './guest.js';

test.each([
  ['http://localhost:7007', '127.0.0.1'],
  ['http://127.0.0.1:7007', 'localhost'],
  ['http://[::1]:7007', '::1'],
])('a guest is let in on %s listening on %s', (baseUrl, listenHost) => {
  expect(openGuestSignIn({ baseUrl, listenHost })).toEqual({ userEntityRef: 'user:development/guest' });
});

test('the guest can be somebody else', () => {
  const options = { baseUrl: 'http://localhost:7007', listenHost: '127.0.0.1', userEntityRef: 'user:default/me' };

  expect(openGuestSignIn(options)).toEqual({ userEntityRef: 'user:default/me' });
});

test.each([
  ['https://callboard.example.com', '127.0.0.1', 'backend.baseUrl is https://callboard.example.com'],
  ['http://localhost.example.com', '127.0.0.1', 'backend.baseUrl is http://localhost.example.com'],
  ['http://127.0.0.1.nip.io', '127.0.0.1', 'backend.baseUrl is http://127.0.0.1.nip.io'],
  ['http://localhost:7007', '0.0.0.0', 'backend.listen is on 0.0.0.0'],
  ['http://localhost:7007', '::', 'backend.listen is on ::'],
  ['http://localhost:7007', '', 'backend.listen is on all addresses'],
  ['http://localhost:7007', undefined, 'backend.listen is on all addresses'],
])('the start fails on %s listening on %s, naming the key', (baseUrl, listenHost, reason) => {
  const open = () => openGuestSignIn({ baseUrl, listenHost });

  expect(open).toThrow('auth.providers.guest');
  expect(open).toThrow(reason);
});
