import { describe, expect, test } from 'vitest';
import { readRedirectTarget } from './redirectTarget.js';

describe('readRedirectTarget', () => {
  test.each([
    ['https://claude.ai/api/mcp/auth_callback', 'website', 'claude.ai'],
    ['https://app.example.com:8443/cb', 'website', 'app.example.com:8443'],
    ['https://аpp.example.com/cb', 'website', 'xn--pp-6kc.example.com'],
    ['http://127.0.0.1.nip.io:80/', 'website', '127.0.0.1.nip.io'],
    ['http://localhost.evil.example/', 'website', 'localhost.evil.example'],
    ['http://127.0.0.1:33418/', 'this-computer', '127.0.0.1:33418'],
    ['http://0x7f000001:9/', 'this-computer', '127.0.0.1:9'],
    ['http://[::1]:9/cb', 'this-computer', '[::1]:9'],
    ['http://LOCALHOST:9/cb', 'this-computer', 'localhost:9'],
    ['cursor://anysphere.cursor-retrieval/oauth/x', 'application', 'cursor://anysphere.cursor-retrieval'],
    ['com.example.app:/callback', 'application', 'com.example.app:'],
  ])('%s is a %s, shown as %s', (uri, kind, place) => {
    expect(readRedirectTarget(uri)).toMatchObject({ kind, place });
  });

  test.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'java\tscript:alert(1)',
    '\u0001javascript:alert(1)',
    'javascript://127.0.0.1:1/%0aalert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:x',
    'file:///etc/passwd',
    'blob:https://example.com/1',
    'view-source:https://example.com',
    'https://user:secret@example.com/',
    'http://127.0.0.1:1@evil.io/',
    'cursor://user@evil/',
    '//example.com/cb',
    '/callback',
    '',
  ])('no browser is sent to %j', uri => {
    expect(() => readRedirectTarget(uri)).toThrow('must not be sent to');
  });
});
