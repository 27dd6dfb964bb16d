import { ConfigReader } from '@backstage/config';
import { expect, test } from 'vitest';
import { readApprovalsConfig } from './config.js';

test('has defaults that need nothing', () => {
  expect(readApprovalsConfig(new ConfigReader({}))).toEqual({
    approvers: ['user:*'],
    selfApproval: false,
    maxPendingPerPrincipal: 50,
    keepMs: 30 * 86_400_000,
    lifetimeMs: 3_600_000,
  });
});

test('takes what is set, and the lifetime of the core', () => {
  const config = readApprovalsConfig(
    new ConfigReader({
      approvals: { approvers: ['User:Default/Ada', 'external:CI'], selfApproval: true, keepDays: 1 },
      backend: { actions: { approval: { lifetimeMinutes: 5 } } },
    }),
  );

  expect(config).toMatchObject({
    approvers: ['User:Default/Ada', 'external:CI'],
    selfApproval: true,
    keepMs: 86_400_000,
    lifetimeMs: 300_000,
  });
});

test('reports all mistakes together', () => {
  const read = () =>
    readApprovalsConfig(
      new ConfigReader({
        approvals: { approvers: [], selfApprovals: true, maxPendingPerPrincipal: 0, keepDays: 0.5 },
      }),
    );

  expect(read).toThrow(/approvals\.approvers: expected at least one pattern/);
  expect(read).toThrow(/approvals\.selfApprovals: there is no such key/);
  expect(read).toThrow(/approvals\.maxPendingPerPrincipal/);
  expect(read).toThrow(/approvals\.keepDays/);
});
