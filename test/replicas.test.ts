import { connectClient, describeOnPostgres, post } from '@callboard/test-utils';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Browser } from '../plugins/auth-backend/src/testing/Browser.js';
import {
  type Answer,
  publicClient,
  shorthands,
  type Tokens,
} from '../plugins/auth-backend/src/testing/startAuthApp.js';
import { type Replica, type Replicas, startReplicas } from './testing/startReplicas.js';

const mcpPath = '/api/mcp-actions/v1';

await describeOnPostgres('two replicas that share a PostgreSQL database', () => {
  let shared: Replicas;
  let one: Replica;
  let two: Replica;
  /** The endpoints of each, for a client; the person's browser always goes through the balancer. */
  let atOne: ReturnType<typeof shorthands>;
  let atTwo: ReturnType<typeof shorthands>;
  let clientId: string;

  beforeAll(async () => {
    shared = await startReplicas();
    [one, two] = shared.replicas;
    [atOne, atTwo] = [endpointsOf(one, shared), endpointsOf(two, shared)];
    clientId = await atOne.registerClient();
  });
  afterAll(() => shared?.stop());

  it('redeem codes of each other, for a person whose browser goes from one to the other', async () => {
    const codeOfOne = await obtainCode(one);
    const codeOfTwo = await obtainCode(two);
    const codeOfBoth = await obtainCode(one, two);

    const answers = [await redeem(atTwo, codeOfOne), await redeem(atOne, codeOfTwo), await redeem(atOne, codeOfBoth)];

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  it('redeem a code once, however many try, and take back what it gave', async () => {
    const code = await obtainCode(one, two);

    const redemptions = await Promise.all(
      Array.from({ length: 200 }, (_, index) => redeem(index % 2 ? atOne : atTwo, code)),
    );

    const winners = redemptions.filter(({ status }) => status === 200);
    const losers = redemptions.filter(({ status }) => status !== 200);
    const { access_token, refresh_token }: Tokens = winners.at(0)?.body ?? {};
    expect(winners).toHaveLength(1);
    expect(new Set(losers.map(({ status, body }) => `${status} ${body.error}`))).toEqual(
      new Set(['400 invalid_grant']),
    );
    expect(await Promise.all([one, two].map(replica => statusOfCall(replica, access_token)))).toEqual([401, 401]);
    expect((await atOne.refresh(clientId, refresh_token)).body.error).toBe('invalid_grant');
    expect((await atTwo.refresh(clientId, refresh_token)).body.error).toBe('invalid_grant');
  });

  it('refresh tokens of each other, in turn and at the same moment', async () => {
    const { refresh_token: first }: Tokens = (await redeem(atOne, await obtainCode(one, two))).body;

    const { refresh_token: second }: Tokens = (await atTwo.refresh(clientId, first)).body;
    const { refresh_token: third }: Tokens = (await atOne.refresh(clientId, second)).body;
    const atOnce = await Promise.all(
      Array.from({ length: 20 }, (_, index) => (index % 2 ? atOne : atTwo).refresh(clientId, third)),
    );

    expect(new Set([first, second, third]).size).toBe(3);
    expect(atOnce.map(({ status }) => status)).toEqual(atOnce.map(() => 200));
    // A client with two windows goes on with whichever answer came last.
    expect(new Set(atOnce.map(({ body }) => body.refresh_token)).size).toBe(1);
  });

  it('accept tokens of each other for their actions, each signed with a key of its own', async () => {
    const tokens: Tokens[] = [
      (await redeem(atOne, await obtainCode(one, two))).body,
      (await redeem(atTwo, await obtainCode(one, two))).body,
    ];
    const [ofOne, ofTwo] = tokens.map(token => token.access_token) as [string, string];

    const greetings = [];
    for (const [replica, token] of [
      [two, ofOne],
      [one, ofTwo],
    ] as const) {
      const client = await connectClient({ url: `${replica.url}${mcpPath}`, token, kind: 'sdk-v1-streamable' });
      greetings.push((await client.callTool('todo.greet-user', { name: 'Ada' })).structuredContent);
      await client.close();
    }

    expect(keyIdOf(ofOne)).not.toBe(keyIdOf(ofTwo));
    expect(greetings).toEqual([{ greeting: 'Hello Ada!' }, { greeting: 'Hello Ada!' }]);
  });

  it('serve a client that reaches another one with each request', async () => {
    const { access_token: token }: Tokens = (await redeem(atOne, await obtainCode(one, two))).body;

    const client = await connectClient({ url: `${shared.url}${mcpPath}`, token, kind: 'v2-modern' });
    const { structuredContent } = await client.callTool('todo.create-item', { title: 'Written through both' });
    const { id } = structuredContent as { id: string };
    const read = [await client.callTool('todo.get-item', { id }), await client.callTool('todo.get-item', { id })];

    expect(read.map(result => result.structuredContent?.title)).toEqual(read.map(() => 'Written through both'));
    await client.close();
  });

  it('keep tokens of one that stops, and that one after it is back', async () => {
    const { access_token, refresh_token }: Tokens = (await redeem(atOne, await obtainCode(one, two))).body;
    const code = await obtainCode(one);

    await one.stop();
    const meanwhile = await statusOfCall(two, access_token);
    await one.start();
    const after = await statusOfCall(one, access_token);
    const redeemed = await redeem(atOne, code);
    const refreshed = await atOne.refresh(clientId, refresh_token);

    expect([meanwhile, after, redeemed.status, refreshed.status]).toEqual([200, 200, 200, 200]);
    expect(keyIdOf(refreshed.body.access_token)).not.toBe(keyIdOf(access_token));
  });

  /** Signs in and approves in a browser that gets its pages from these. */
  async function obtainCode(...from: Replica[]): Promise<{ code: string; verifier: string }> {
    const { url, verifier } = await atOne.authorizeUrl(clientId);
    return shared.only(from, async () => {
      const end = await atOne.approve(url, { browser: new Browser(shared.url) });
      return { code: end.searchParams.get('code') ?? '', verifier };
    });
  }

  function redeem(at: typeof atOne, { code, verifier }: { code: string; verifier: string }): Promise<Answer> {
    return at.post('/v1/token', {
      grant_type: 'authorization_code',
      client_id: clientId,
      code,
      redirect_uri: publicClient.redirect_uris[0] as string,
      code_verifier: verifier,
    });
  }
});

await describeOnPostgres('two replicas that registrations flood', () => {
  let shared: Replicas;
  let atOne: ReturnType<typeof shorthands>;
  let atTwo: ReturnType<typeof shorthands>;
  afterEach(() => shared?.stop());

  async function start(registration: { maxClients?: number; perAddressPerHour?: number }) {
    shared = await startReplicas({ auth: { registration } });
    [atOne, atTwo] = [endpointsOf(shared.replicas[0], shared), endpointsOf(shared.replicas[1], shared)];
  }

  it('have room for so many clients between them, and those in use stay', async () => {
    await start({ maxClients: 2 });
    const unused = await atOne.registerClient();
    const used = await atTwo.registerClient();
    await atTwo.signIn(used);

    const third = await atTwo.register();
    await atOne.signIn(third.body.client_id);
    const refused = [await atOne.register(), await atTwo.register()];

    expect(third.status).toBe(201);
    const { url: requestOfUnused } = await atOne.authorizeUrl(unused);
    expect((await atOne.approve(requestOfUnused)).searchParams.get('code')).toBeNull();
    expect((await atOne.signIn(used)).access_token).toBeTruthy();
    expect(refused.map(({ status }) => status)).toEqual([429, 429]);
  });

  it('take so many registrations of an address between them', async () => {
    await start({ perAddressPerHour: 10 });

    const answers: Answer[] = [];
    for (let index = 0; index < 20; index += 1) {
      answers.push(await (index % 2 ? atOne : atTwo).register());
    }

    expect(answers.filter(({ status }) => status === 201)).toHaveLength(10);
  });
});

async function statusOfCall(replica: Replica, token: string): Promise<number> {
  const params = { name: 'todo.list-items', arguments: {} };
  const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params };
  return (await post(`${replica.url}${mcpPath}`, message, { token })).status;
}

function keyIdOf(token: string): string {
  const [header = ''] = token.split('.');
  return JSON.parse(Buffer.from(header, 'base64url').toString('utf8')).kid;
}

function endpointsOf(replica: Replica, { url }: Replicas): ReturnType<typeof shorthands> {
  return shorthands(replica.url, `${url}/api/auth`, `${url}${mcpPath}`);
}
