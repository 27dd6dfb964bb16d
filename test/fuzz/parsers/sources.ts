import fc from 'fast-check';
import { createSourceCheck } from '../../../plugins/mcp-actions-backend/src/guards/checkSource.js';
import { RefusedRequest } from '../../../plugins/mcp-actions-backend/src/guards/RefusedRequest.js';
import { hold, thrownBy } from '../engine/expect.js';
import type { Kind } from '../engine/FuzzTarget.js';
import { mutatedText } from '../json/mutateText.js';

interface SourceCase {
  readonly isPublic: boolean;
  readonly target: string;
  readonly hosts: readonly string[];
  readonly origin: string | null;
}

const tokens = [
  '.',
  ':',
  '@',
  '/',
  '#',
  '?',
  '\\',
  '%2e',
  '%00',
  '\t',
  ' ',
  ',',
  'evil.example',
  'LOCALHOST',
  ':80',
  ':0',
  '[',
  ']',
  '::1',
  '0x7f.1',
  '127.1',
  'null',
  'é',
  '*',
];
const hosts = [
  'localhost',
  'localhost:7007',
  '127.0.0.1',
  '127.0.0.1:80',
  '[::1]:7007',
  'board.example',
  'board.example:8443',
  'mcp.example',
  'mcp.example:1',
  'other.example:8443',
  'evil.example',
];
const origins = [
  'http://localhost',
  'http://localhost:7007',
  'https://board.example',
  'https://app.example',
  'https://evil.example',
  'null',
  'http://127.0.0.1:1',
  'http://[::1]',
  'file://',
  'chrome-extension://x',
];

const checks = {
  public: createSourceCheck({
    baseUrl: new URL('https://board.example'),
    allowedHosts: ['mcp.example', 'other.example:8443'],
    allowedOrigins: ['https://app.example'],
  }),
  loopback: createSourceCheck({
    baseUrl: new URL('http://localhost:7007'),
    allowedHosts: ['mcp.example', 'other.example:8443'],
    allowedOrigins: ['https://app.example'],
  }),
};

/** A request is let through exactly if its host and origin are spelled out in a list. */
export const sources: Kind<SourceCase> = {
  name: 'hosts and origins',
  weight: 3,
  cases: fc.record({
    isPublic: fc.boolean(),
    target: mutatedText(fc.constantFrom('/api/mcp-actions/v1', '/', '*', 'http://evil.example/api'), {
      tokens,
      unchanged: 8,
      maxMutations: 1,
    }),
    hosts: fc.array(mutatedText(fc.constantFrom(...hosts), { tokens, unchanged: 3, maxMutations: 2 }), {
      maxLength: 2,
    }),
    origin: fc.option(mutatedText(fc.constantFrom(...origins), { tokens, unchanged: 3, maxMutations: 2 }), { freq: 2 }),
  }),
  check({ isPublic, target, hosts: given, origin }) {
    const error = thrownBy(() =>
      checks[isPublic ? 'public' : 'loopback']({ target, hosts: given, origin: origin ?? undefined }),
    );

    const expected =
      target.startsWith('/') &&
      given.length === 1 &&
      isHostNaively(given[0] as string, isPublic) &&
      isOriginNaively(origin, isPublic);
    hold(
      error === undefined || (error instanceof RefusedRequest && error.status === 403),
      'another error than a refusal',
      error?.stack,
    );
    hold(
      (error === undefined) === expected,
      expected ? 'refused what is served here' : 'let through what is not served here',
    );
  },
};

function isHostNaively(host: string, isPublic: boolean): boolean {
  const [, name = '', port] = /^(\[::1\]|[a-z0-9.-]+)(?::(0|[1-9]\d*))?$/.exec(host) ?? [];
  if (name === '' || Number(port ?? 0) > 65_535) {
    return false;
  }
  if (name === 'other.example') {
    return port === '8443';
  }
  // A name that is listed without a port is good with any.
  return ['localhost', '127.0.0.1', '[::1]', 'mcp.example'].includes(name) || (isPublic && name === 'board.example');
}

function isOriginNaively(origin: string | null, isPublic: boolean): boolean {
  if (origin === null || origin === 'https://app.example') {
    return true;
  }
  if (isPublic) {
    return origin === 'https://board.example';
  }
  const [, scheme, port] = /^(https?):\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::(0|[1-9]\d*))?$/.exec(origin) ?? [];
  const isDefault = (scheme === 'http' && port === '80') || (scheme === 'https' && port === '443');
  return scheme !== undefined && !isDefault && Number(port ?? 0) <= 65_535;
}
