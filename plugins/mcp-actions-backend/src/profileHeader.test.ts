import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modern, startProbe } from './testing/startProbe.js';

let app: Awaited<ReturnType<typeof startProbe>>;
beforeAll(async () => {
  app = await startProbe();
});
afterAll(() => app.stop());

describe.each(['2025', '2026'])('the header Callboard-Profile in the %s era', era => {
  const ask = (method: string, params: Record<string, never | string | object>, profile?: string) => {
    const headers: Record<string, string> = profile === undefined ? {} : { 'Callboard-Profile': profile };
    if (era === '2025') {
      return app.request(method, params as never, { headers });
    }
    const { body, headers: own } = modern(method, params as never);
    return app.send(body, { headers: { ...own, ...headers } });
  };
  const listed = async (profile?: string): Promise<{ name: string; annotations: { readOnlyHint: boolean } }[]> =>
    (await ask('tools/list', {}, profile)).json.result.tools;

  it('narrows what is listed, and what can be called, to a profile', async () => {
    const all = await listed();
    const some = await listed('readonly');

    const writing = all.filter(({ annotations }) => !annotations.readOnlyHint);
    expect(writing.length).toBeGreaterThan(0);
    expect(some).toEqual(all.filter(({ annotations }) => annotations.readOnlyHint));
    const name = (writing[0] as { name: string }).name;
    const { json } = await ask('tools/call', { name, arguments: {} }, 'readonly');
    expect(json.error).toMatchObject({ code: -32602, message: `Unknown tool: ${name}` });
  });

  it('never widens what the server has', async () => {
    expect(await listed('admin')).toEqual(await listed());
  });

  it('is refused if there is no such profile', async () => {
    const { status, json } = await ask('tools/list', {}, 'agnet');

    expect(status).toBe(400);
    expect(json.error.message).toBe('Callboard-Profile: expected one of agent, operator, readonly, admin, got "agnet"');
  });
});
