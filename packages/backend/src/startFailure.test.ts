import { createBackendPlugin, createServiceFactory, createServiceRef } from '@backstage/backend-plugin-api';
import { ConfigReader } from '@backstage/config';
import { InputError } from '@backstage/errors';
import { createBackend } from '@callboard/backend-defaults';
import { expect, test } from 'vitest';
import { renderStartFailure } from './startFailure.js';

test('every plugin that failed is named with its reason, without stacks', async () => {
  const error = await startWith(
    plugin('mail', () => {
      throw new InputError('mail.host: expected a name, got 1');
    }),
    plugin('news', () => {
      throw new Error('cannot read feeds', { cause: new Error('no such file') });
    }),
  );

  const message = renderStartFailure(error);

  expect(message).toContain('plugin mail: mail.host: expected a name, got 1');
  expect(message).toContain('plugin news: cannot read feeds: no such file');
  expect(message).not.toContain('    at ');
});

test('one reason for several plugins is told once', async () => {
  const disk = createServiceRef<object>({ id: 'disk', scope: 'plugin' });
  const brokenDisk = createServiceFactory({
    service: disk,
    deps: {},
    factory: () => {
      throw new Error('disk is full');
    },
  });
  const error = await startWith(
    brokenDisk,
    plugin('mail', () => {}, { disk }),
    plugin('news', () => {}, { disk }),
  );

  const message = renderStartFailure(error);

  expect(message).toContain('plugin mail, plugin news: disk is full\n');
});

test('a port in use is named together with the key that chooses it', () => {
  const error = Object.assign(new Error('listen EADDRINUSE: address already in use 127.0.0.1:7007'), {
    code: 'EADDRINUSE',
    syscall: 'listen',
    address: '127.0.0.1',
    port: 7007,
  });

  const message = renderStartFailure(error);

  expect(message).toContain('Port 7007 is in use');
  expect(message).toContain('backend.listen');
});

test('an address of another machine is named', () => {
  const error = Object.assign(new Error('listen EADDRNOTAVAIL: address not available 8.8.8.8:7007'), {
    code: 'EADDRNOTAVAIL',
    syscall: 'listen',
    address: '8.8.8.8',
    port: 7007,
  });

  expect(renderStartFailure(error)).toContain('Cannot listen at 8.8.8.8:7007 (EADDRNOTAVAIL)');
});

test('mistakes in code come with the place where they happened', () => {
  expect(renderStartFailure(new TypeError('x is not a function'))).toContain('startFailure.test.ts');
});

test('anything that is thrown is told', () => {
  expect(renderStartFailure('out of paper')).toContain('out of paper');
});

async function startWith(...features: Parameters<ReturnType<typeof createBackend>['add']>[0][]): Promise<unknown> {
  const backend = createBackend({
    config: new ConfigReader({
      backend: { baseUrl: 'http://localhost', listen: { host: '127.0.0.1', port: 0 }, logger: { level: 'error' } },
    }),
  });
  for (const feature of features) {
    backend.add(feature);
  }
  const failure = await backend.start().then(
    () => undefined,
    error => error,
  );
  await backend.stop();
  return failure;
}

function plugin(pluginId: string, init: () => void, deps = {}) {
  return createBackendPlugin({
    pluginId,
    register: env => env.registerInit({ deps, init: async () => init() }),
  });
}
