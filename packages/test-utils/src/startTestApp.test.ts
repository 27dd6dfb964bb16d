import { coreServices, createBackendPlugin } from '@backstage/backend-plugin-api';
import { InputError } from '@backstage/errors';
import { afterEach, expect, test } from 'vitest';
import { post } from './post.js';
import { startTestApp, type TestApp } from './startTestApp.js';

let app: TestApp | undefined;

afterEach(() => app?.stop());

test('a plugin answers on the port that was chosen, to those who have the token', async () => {
  app = await startTestApp({ features: [greeter] });

  const admitted = await post(`${app.url}/api/greeter/json`, { name: 'Ada' }, { token: app.token });
  const refused = await post(`${app.url}/api/greeter/json`, { name: 'Ada' });

  expect(app.url).toContain(String(app.port));
  expect([admitted.status, admitted.message]).toEqual([200, { greeting: 'Hello Ada' }]);
  expect(refused.status).toBe(401);
});

test('answers that are event streams are read message by message', async () => {
  app = await startTestApp({ features: [greeter] });

  const answer = await post(`${app.url}/api/greeter/events`, {}, { token: app.token });

  expect(answer.messages).toEqual([{ step: 1 }, { step: 2, text: 'two\nlines' }]);
  expect(answer.message).toEqual({ step: 2, text: 'two\nlines' });
});

test('log entries are collected with their level and the plugin that wrote them', async () => {
  app = await startTestApp({ features: [greeter] });

  expect(app.logs).toContainEqual(
    expect.objectContaining({ level: 'warn', message: 'Up', plugin: 'greeter', seats: 3 }),
  );
});

test('settings of the test go over those of every test', async () => {
  const externalAccess = [{ type: 'static', options: { token: 'token-of-this-test', subject: 'tester' } }];
  app = await startTestApp({ features: [greeter], config: { backend: { auth: { externalAccess } } } });

  const own = await post(`${app.url}/api/greeter/json`, { name: 'Ada' }, { token: 'token-of-this-test' });
  const usual = await post(`${app.url}/api/greeter/json`, { name: 'Ada' }, { token: app.token });

  expect([own.status, usual.status]).toEqual([200, 401]);
});

test('a plugin that fails makes the start fail and leaves nothing listening', async () => {
  const broken = createBackendPlugin({
    pluginId: 'broken',
    register(env) {
      env.registerInit({
        deps: {},
        async init() {
          throw new InputError('out of order');
        },
      });
    },
  });

  await expect(startTestApp({ features: [broken] })).rejects.toThrow('out of order');
});

const greeter = createBackendPlugin({
  pluginId: 'greeter',
  register(env) {
    env.registerInit({
      deps: { http: coreServices.httpRouter, logger: coreServices.logger },
      async init({ http, logger }) {
        logger.warn('Up', { seats: 3 });
        http.use((request, response) => {
          if (request.path === '/events') {
            response.setHeader('Content-Type', 'text/event-stream');
            response.end(
              'event: message\ndata: {"step":1}\n\n: comment\n\ndata: {"step":2,\ndata: "text":"two\\nlines"}\n\n',
            );
            return;
          }
          const chunks: Buffer[] = [];
          request.on('data', chunk => chunks.push(chunk));
          request.on('end', () => {
            const { name } = JSON.parse(Buffer.concat(chunks).toString());
            response.json({ greeting: `Hello ${name}` });
          });
        });
      },
    });
  },
});
