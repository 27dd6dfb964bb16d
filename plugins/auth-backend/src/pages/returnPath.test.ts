import { expect, test } from 'vitest';
import { readReturnPath } from './returnPath.js';

const baseUrl = 'https://board.example/portal/api/auth';

test('leads back to pages of the approvals', () => {
  const path = '/portal/api/approvals/v1/pages/abc?x=1';

  expect(readReturnPath(path, baseUrl)).toBe(path);
  expect(readReturnPath(`https://board.example${path}#here`, baseUrl)).toBe(path);
});

test('leads back to pages on which secrets are entered', () => {
  const path = '/portal/api/mcp-actions/secrets/abc';

  expect(readReturnPath(path, baseUrl)).toBe(path);
});

test.each([
  [undefined],
  [''],
  [['/portal/api/approvals/v1/pages']],
  ['https://evil.example/portal/api/approvals/v1/pages'],
  ['//evil.example/portal/api/approvals/v1/pages'],
  ['/\\evil.example/portal/api/approvals/'],
  ['\\\\evil.example/portal/api/approvals/'],
  ['http://board.example/portal/api/approvals/v1/pages'],
  ['https://board.example:444/portal/api/approvals/'],
  ['https://board.example@evil.example/portal/api/approvals/'],
  ['javascript:alert(1)//portal/api/approvals/'],
  ['data:text/html,/portal/api/approvals/'],
  ['/portal/api/approvals'],
  ['/api/approvals/v1/pages'],
  ['/portal/api/approvals/../auth/sign-out'],
  ['/portal/api/approvals/%2e%2e/auth/sign-out'],
  ['/portal/api/approvals/..\\auth/sign-out'],
  ['/portal/api/approvals-evil/v1/pages'],
  ['/portal/api/other/v1/pages'],
  ['/portal/api/mcp-actions/v1'],
  ['/portal/api/mcp-actions/secrets/../v1'],
  [`/portal/api/approvals/${'x'.repeat(600)}`],
])('leads nowhere else: %j', value => {
  expect(readReturnPath(value, baseUrl)).toBeUndefined();
});
