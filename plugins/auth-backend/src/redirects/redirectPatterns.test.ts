import { describe, expect, test } from 'vitest';
import { findPatternMistake, isSafeRedirectUri, matchesRedirectPattern } from './redirectPatterns.js';

const patterns = ['https://app.example.com/cb/*', 'http://127.0.0.1:*/*'];

describe('against a website and the loopback address', () => {
  test.each([
    'https://app.example.com.evil.io/cb/x',
    'https://evil.io/app.example.com/cb/x',
    'https://evil.io#app.example.com/cb/',
    'https://evil.io?x=app.example.com/cb/',
    'https://app.example.com@evil.io/cb/x',
    'https://app.example.com:x@evil.io/cb/x',
    'https://app.example.com%2eevil.io/cb',
    'https://app.example.com\\@evil.io/cb/x',
    'https://app.example.com\\.evil.io/cb/x',
    'https://app.example.com/cb/../../x',
    'https://app.example.com/cb/%2e%2e/x',
    'https://app.example.com/cb/.%2E/x',
    'https://app.example.com/cb/./x',
    'https://app.example.com/cb/%2F..%5cx',
    'https://app.example.com//evil.io/cb/',
    '//app.example.com/cb/x',
    'https:/app.example.com/cb/x',
    'https:app.example.com/cb/x',
    'https://app.example.com:8443/cb/x',
    'http://app.example.com/cb/x',
    'https://app.example.com/cb/x#frag',
    'https://app.example.com/cb/x#',
    'https://app.example.com/cb/x?next=https://evil.io',
    'https://аpp.example.com/cb/x',
    'https://xn--pp-6kc.example.com/cb/x',
    'https://app.example.com./cb/x',
    'https://app.example.com\t.evil.io/cb',
    'https://app.example.com/cb/\tx',
    'https://app.example.com\r\nX: y/cb',
    ' https://app.example.com/cb/x',
    'https://app.example.com/cb/x\u0000',
    'https://app.example.com/cb/x\u2028',
    'http://127.0.0.1:1@evil.io/',
    'http://127.0.0.1.nip.io:80/',
    'http://127.1:9/cb',
    'http://0x7f000001:9/',
    'http://2130706433:9/',
    'http://0177.0.0.1:9/',
    'http://[::1]:9/cb',
    'http://[::ffff:127.0.0.1]:9/cb',
    'http://localhost:9/cb',
    'http://127.0.0.1:99999/',
    'http://127.0.0.1:/cb',
    'http://127.0.0.1:0x1f/',
    'javascript://127.0.0.1:1/%0aalert(1)',
    'data:text/html,x',
    'cursor://anysphere.cursor-retrieval/oauth/x',
    '',
  ])('refuses %j', uri => {
    expect(matchesRedirectPattern(uri, patterns)).toBe(false);
  });

  test.each([
    'https://app.example.com/cb/x',
    'https://app.example.com/cb/',
    'HTTPS://APP.EXAMPLE.COM/cb/x',
    'https://app.example.com:443/cb/x',
    'http://127.0.0.1:9/cb',
    'http://127.0.0.1/cb',
    'http://127.0.0.1:33418',
    'http://127.0.0.1:33418/',
  ])('accepts %j', uri => {
    expect(matchesRedirectPattern(uri, patterns)).toBe(true);
  });
});

describe("against an application's own scheme", () => {
  const cursor = ['cursor://*'];

  test.each([
    'cursor:javascript:alert(1)',
    'cursor:/anysphere/oauth',
    'cursor://',
    'cursor://user:pass@anysphere.cursor-mcp/oauth',
    'cursor://anysphere.cursor-mcp/oauth\r\nLocation: https://evil.io',
    'cursor://anysphere.cursor-mcp/oauth#x',
    'cursor://anysphere.cursor-mcp/../x',
    'cursor://ex\u0430mple/oauth',
    'xcursor://anysphere.cursor-mcp/oauth',
    'cursor+x://anysphere.cursor-mcp/oauth',
    ' cursor://anysphere.cursor-mcp/oauth',
    'https://cursor/x',
  ])('refuses %j', uri => {
    expect(matchesRedirectPattern(uri, cursor)).toBe(false);
  });

  test.each([
    'cursor://anysphere.cursor-retrieval/oauth/x',
    'cursor://anysphere.cursor-mcp/oauth/callback',
    'Cursor://anysphere.cursor-mcp/oauth/callback',
  ])('accepts %j', uri => {
    expect(matchesRedirectPattern(uri, cursor)).toBe(true);
  });
});

describe('a star in a host', () => {
  test('stands for a part of one label', () => {
    const patterns_ = ['https://*.example.com/cb'];

    expect(matchesRedirectPattern('https://a.example.com/cb', patterns_)).toBe(true);
    expect(matchesRedirectPattern('https://evil.io/.example.com/cb', patterns_)).toBe(false);
    expect(matchesRedirectPattern('https://evil.io.a.example.com/cb', patterns_)).toBe(false);
    expect(matchesRedirectPattern('https://.example.com/cb', patterns_)).toBe(false);
    expect(matchesRedirectPattern('https://example.com/cb', patterns_)).toBe(false);
  });
});

test.each([
  'javascript:alert(1)',
  'JaVaScRiPt://x/%0aalert(1)',
  'java\tscript://x',
  '\u0001javascript://x',
  'data://x/y',
  'vbscript://x',
  'file:///etc/passwd',
  'blob://x',
  'http:///x',
])('%j is never a safe place to send a browser to', uri => {
  expect(isSafeRedirectUri(uri)).toBe(false);
  expect(matchesRedirectPattern(uri, ['*://*', 'javascript://*', 'http://*:*/*'])).toBe(false);
});

test('mistakes in patterns are named', () => {
  expect(findPatternMistake('cursor://*')).toBeUndefined();
  expect(findPatternMistake('http://[::1]:*/*')).toBeUndefined();
  expect(findPatternMistake('example.com/*')).toMatch('expected scheme://host');
  expect(findPatternMistake('*')).toMatch('expected scheme://host');
  expect(findPatternMistake('https://user@example.com/*')).toMatch('expected scheme://host');
  expect(findPatternMistake('javascript://*')).toMatch('never allowed');
});

test('many stars take no time', () => {
  const pattern = `https://app.example.com/${'*a'.repeat(30)}`;
  const startedAt = performance.now();

  matchesRedirectPattern(`https://app.example.com/${'a'.repeat(2_000)}b`, [pattern]);

  expect(performance.now() - startedAt).toBeLessThan(1_000);
});
