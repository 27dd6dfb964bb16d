import { createBackendPlugin } from '@backstage/backend-plugin-api';
import { actionsRegistryServiceRef } from '@callboard/actions-api';
import { afterAll, beforeAll, expect, it } from 'vitest';
import * as z from 'zod';
import { backendOfTwo, modern, startProbe, TOKENS } from '../testing/startProbe.js';

const marked = createBackendPlugin({
  pluginId: 'marked',
  register(env) {
    env.registerInit({
      deps: { registry: actionsRegistryServiceRef },
      async init({ registry }) {
        registry.register({
          name: 'deploy',
          title: 'Deploy',
          description: 'Says where it would deploy to',
          schema: {
            input: z.object({
              region: z.string().meta({ 'x-mcp-header': 'Region' }).optional(),
              size: z.object({ count: z.int().meta({ 'x-mcp-header': 'Count' }).optional() }).optional(),
            }),
            output: z.object({ region: z.string().optional() }),
          },
          attributes: { readOnly: true },
          action: async ({ input: { region } }) => ({ output: { region } }),
        });
      },
    });
  },
});

let app: Awaited<ReturnType<typeof startProbe>>;
beforeAll(async () => {
  app = await startProbe({
    features: [marked],
    config: { backend: { ...backendOfTwo, actions: { pluginSources: ['marked'] } } },
  });
});
afterAll(() => app.stop());

async function deploy(input: object, paramHeaders: Record<string, string>) {
  const { body, headers } = modern('tools/call', { name: 'marked.deploy', arguments: input as never });
  const { status, json } = await app.send(body, { token: TOKENS.ada, headers: { ...headers, ...paramHeaders } });
  return { status, error: json.error as { code: number; message: string } | undefined };
}

it.each<[string, object, Record<string, string>]>([
  ['as it is', { region: 'eu-west' }, { 'Mcp-Param-Region': 'eu-west' }],
  ['in Base64', { region: 'Zürich ☃' }, { 'Mcp-Param-Region': '=?base64?WsO8cmljaCDimIM=?=' }],
  ['as another spelling of the same number', { size: { count: 42 } }, { 'Mcp-Param-Count': '42.0' }],
  ['of nothing', {}, {}],
  ['of what is not given', {}, { 'Mcp-Param-Region': 'ignored' }],
])('a call runs whose headers repeat the value %s', async (_name, input, headers) => {
  const { status, error } = await deploy(input, headers);

  expect([status, error]).toEqual([200, undefined]);
});

it.each<[string, object, Record<string, string>, string]>([
  [
    'is missing',
    { region: 'eu' },
    {},
    'Mcp-Param-Region: expected the value of the argument "region", got no such header',
  ],
  [
    'says something else',
    { region: 'eu' },
    { 'Mcp-Param-Region': 'us' },
    'Mcp-Param-Region: expected the value of the argument "region", got another one',
  ],
  [
    'is no Base64',
    { region: 'eu' },
    { 'Mcp-Param-Region': '=?base64?ZXU?=' },
    'Mcp-Param-Region: expected UTF-8 in Base64 between =?base64? and ?=, got something else',
  ],
  [
    'is no UTF-8',
    { region: 'eu' },
    { 'Mcp-Param-Region': '=?base64?/w==?=' },
    'Mcp-Param-Region: expected UTF-8 in Base64 between =?base64? and ?=, got something else',
  ],
  [
    'is another number',
    { size: { count: 42 } },
    { 'Mcp-Param-Count': '43' },
    'Mcp-Param-Count: expected the value of the argument "size.count", got another one',
  ],
])('a call is refused with 400 and -32020 whose header %s', async (_name, input, headers, message) => {
  const { status, error } = await deploy(input, headers);

  expect([status, error]).toEqual([400, { code: -32_020, message }]);
});

it('a client of the 2025 era knows of no such headers', async () => {
  const { json } = await app.call('marked.deploy', { region: 'eu' }, { token: TOKENS.ada });

  expect(json.result.structuredContent).toEqual({ region: 'eu' });
});
