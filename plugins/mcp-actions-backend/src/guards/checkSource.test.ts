import { describe, expect, it } from 'vitest';
import { createSourceCheck } from './checkSource.js';

const atLoopback = createSourceCheck({
  baseUrl: new URL('http://localhost:7007'),
  allowedHosts: ['gateway.internal'],
  allowedOrigins: ['https://inspector.example.com'],
});
const published = createSourceCheck({
  baseUrl: new URL('https://our.host'),
  allowedHosts: [],
  allowedOrigins: [],
});
const target = '/api/mcp-actions/v1';

describe('the check of where a request comes from', () => {
  it.each(['localhost:7007', 'localhost', '127.0.0.1:9999', '[::1]:7007', 'gateway.internal', 'gateway.internal:8080'])(
    'lets the host %s through',
    host => {
      expect(() => atLoopback({ target, hosts: host === undefined ? [] : [host], origin: undefined })).not.toThrow();
    },
  );

  it.each([
    undefined,
    '',
    'evil.example',
    'localhost.evil.example',
    'evil.example:7007',
    'user@localhost:7007',
    'localhost:7007@evil.example',
    'localhost/evil',
    'localhost#evil',
    'LOCALHOST:7007',
    'localhost.:7007',
    'localhost:7007, evil.example',
    '0x7f000001',
    '127.1',
    '[::ffff:127.0.0.1]',
  ])('refuses the host %j', host => {
    expect(() => atLoopback({ target, hosts: host === undefined ? [] : [host], origin: undefined })).toThrow(
      expect.objectContaining({ status: 403, message: expect.stringContaining('mcpActions.allowedHosts') }),
    );
  });

  it.each(['http://localhost:7007', 'http://localhost:6274', 'http://127.0.0.1:1', 'https://inspector.example.com'])(
    'lets the origin %s through at a loopback address',
    origin => {
      expect(() => atLoopback({ target, hosts: ['localhost:7007'], origin })).not.toThrow();
    },
  );

  it.each([
    'https://evil.example',
    'null',
    '',
    'http://localhost.evil.example',
    'http://localhost:7007.evil.example',
    'HTTP://LOCALHOST:7007',
    'http://localhost:7007/',
    'http://user@localhost:7007',
    'http://localhost:7007, http://localhost:7007',
    'file://',
    'http://inspector.example.com',
    'https://inspector.example.com:444',
    'https://inspector.example.com.',
  ])('refuses the origin %j', origin => {
    expect(() => atLoopback({ target, hosts: ['localhost:7007'], origin })).toThrow(
      expect.objectContaining({ status: 403, message: expect.stringContaining('mcpActions.allowedOrigins') }),
    );
  });

  it.each([
    'http://localhost:3000',
    'https://our.host:444',
    'http://our.host',
    'https://OUR.HOST',
    'https://our.host.',
  ])('refuses the origin %s where the backend has a public address', origin => {
    expect(() => published({ target, hosts: ['our.host'], origin })).toThrow(expect.objectContaining({ status: 403 }));
  });

  it('lets the own origin through where the backend has a public address', () => {
    expect(() => published({ target, hosts: ['our.host'], origin: 'https://our.host' })).not.toThrow();
  });

  it('lets any host through only when told to', () => {
    const anyHost = createSourceCheck({
      baseUrl: new URL('https://our.host'),
      allowedHosts: ['*'],
      allowedOrigins: [],
    });

    expect(() => anyHost({ target, hosts: ['whatever.example'], origin: undefined })).not.toThrow();
    expect(() => anyHost({ target, hosts: ['whatever.example'], origin: 'https://evil.example' })).toThrow('Origin');
  });

  it('refuses two hosts, of which one is good', () => {
    expect(() => atLoopback({ target, hosts: ['localhost:7007', 'evil.example'], origin: undefined })).toThrow(
      'Host "localhost:7007, evil.example" is not served here',
    );
  });

  it('refuses a request target in absolute form', () => {
    expect(() =>
      atLoopback({ target: 'http://evil.example/api', hosts: ['localhost:7007'], origin: undefined }),
    ).toThrow('The request target must be a path');
  });
});
