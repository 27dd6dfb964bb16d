import fc from 'fast-check';
import {
  type KnownCaller,
  type Mode,
  modes,
  type Profile,
  profiles,
  type ServerKey,
  servers,
} from '../server/rules.js';
import { idOf, subjects } from '../server/subjects.js';

/** A request as it goes over the wire; `{token}`, `{port}` and the like stand for what is known only then. */
export interface HeaderCase {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  /** Whom `{token}` stands for. */
  readonly caller: Pick<KnownCaller, 'mode' | 'profile'>;
  readonly action: string;
  readonly region: string;
  readonly isModern: boolean;
  /** As a well-behaved client sends it. */
  readonly isPlain: boolean;
}

/** Those on which something depends, and those with which messengers on the way have been misled before. */
const names = [
  ...[
    'Host',
    'Origin',
    'Authorization',
    'Mcp-Session-Id',
    'Mcp-Session-Id',
    'Mcp-Session-Id',
    'Callboard-Profile',
    'Callboard-Profile',
  ],
  'Host',
  'Origin',
  'Authorization',
  'Content-Type',
  'Content-Length',
  'Content-Encoding',
  'Transfer-Encoding',
  'Accept',
  'MCP-Protocol-Version',
  'Mcp-Method',
  'Mcp-Name',
  'Mcp-Param-Region',
  'Mcp-Session-Id',
  'Last-Event-ID',
  'Callboard-Profile',
  'Callboard-Agent-Id',
  'X-Forwarded-Host',
  'X-Forwarded-For',
  'Forwarded',
  'X-HTTP-Method-Override',
  'X-Original-URL',
  'Cookie',
  'Connection',
  'Expect',
  'Upgrade',
  'traceparent',
  'baggage',
  'Proxy-Authorization',
  'Sec-Fetch-Site',
];

const values: Record<string, readonly string[]> = {
  Host: [
    'localhost',
    '127.0.0.1:{port}',
    '[::1]',
    'board.example',
    'board.example:1',
    'other.example:8443',
    'other.example',
    'evil.example',
    'localhost.evil.example',
    'localhost@evil.example',
    'LOCALHOST',
    'localhost:{port}, evil.example',
    '',
    'board.example/x',
    '0x7f.1',
  ],
  Origin: [
    'http://localhost',
    'http://localhost:{port}',
    'https://app.example',
    'https://evil.example',
    'null',
    'https://app.example.evil.example',
    'https://APP.example',
    'https://app.example:443',
    'https://app.example, https://evil.example',
    '',
    'http://localhost@evil.example',
  ],
  Authorization: [
    'Bearer {token}',
    'bearer {token}',
    'Bearer  {token}',
    'Bearer {token}x',
    'Bearer',
    'Bearer ',
    'Basic {token}',
    '{token}',
    'Bearer {token} {token}',
    'Bearer {token}, Bearer {other}',
    'Bearer {other}',
    'Bearer eyJhbGciOiJub25lIn0.e30.',
    'Bearer eyJ0eXAiOiJhdCtqd3QifQ.e30.x',
    'Bearer a.b.c',
    'Bearer \u00ff',
    'Bearer eyJ0eXAiOiJ2bmQuYmFja3N0YWdlLnVzZXIifQ.e30.x',
    'Bearer undefined',
    'BEARER\t{token}',
    'Token {token}',
  ],
  'Content-Type': [
    'application/json',
    'application/json; charset=utf-8',
    'APPLICATION/JSON',
    'application/json, text/plain',
    'text/plain',
    'text/plain; application/json',
    'application/json-patch+json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=application/json',
    '',
    'application/json; charset=utf-16',
  ],
  'Content-Length': [
    '0',
    '1',
    '5',
    '-1',
    '+5',
    '0x10',
    '99999',
    '1e3',
    '5, 5',
    '18446744073709551617',
    ' 5',
    '65537',
    '999999999',
  ],
  'Content-Encoding': ['identity', 'gzip', 'deflate', 'br', 'identity, gzip', '', 'IDENTITY'],
  'Transfer-Encoding': [
    'chunked',
    'identity',
    'gzip, chunked',
    'chunked, identity',
    'xchunked',
    ' chunked',
    'chunked\u000b',
  ],
  Accept: ['application/json', 'text/event-stream', '*/*', '', 'application/json;q=0', 'text/html'],
  'MCP-Protocol-Version': [
    '2026-07-28',
    '2025-11-25',
    '2025-06-18',
    '2025-03-26',
    '2024-11-05',
    '2026-07-29',
    '1.0',
    '',
    '2025-11-25, 2026-07-28',
    'DRAFT',
  ],
  'Mcp-Method': [
    'tools/call',
    'tools/list',
    'ping',
    '',
    'TOOLS/CALL',
    '=?base64?dG9vbHMvY2FsbA==?=',
    'tools/call, ping',
  ],
  'Mcp-Name': ['stage.read-it', 'lights.loose', '', 'stage.delete-it', '=?base64?c3RhZ2UucmVhZC1pdA==?=', '\u00e9'],
  'Mcp-Param-Region': ['eu', 'us', '', '=?base64?ZXU=?=', '=?base64?!!?=', '=?base64?ZXU?=', 'EU'],
  'Mcp-Session-Id': [
    '{session}',
    '{session}',
    '{session}',
    '{session}',
    '{session}x',
    'none',
    '',
    '__proto__',
    '{session}, {session}',
    'constructor',
    '../x',
    'x.{session}',
  ],
  'Last-Event-ID': ['', '0', '{session}', 'x.1', '__proto__', '-1', '\u00ff'],
  'Callboard-Profile': [
    ...profiles,
    '',
    'Admin',
    'admin, readonly',
    '__proto__',
    'constructor',
    '*',
    'admin\u00a0',
    '\u00ff',
  ],
  'Callboard-Agent-Id': ['agent', '\u00e9\u00ff', 'x'.repeat(500), '<b>', ''],
  Connection: ['close', 'keep-alive', 'upgrade', 'Host', 'Authorization, close'],
  Expect: ['100-continue', 'nothing'],
  Upgrade: ['websocket', 'h2c'],
  'X-HTTP-Method-Override': ['DELETE', 'GET'],
  'X-Forwarded-Host': ['evil.example', 'board.example'],
  traceparent: ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', '00-0-0-0', 'x'],
  baggage: ['gen_ai.agent.id=x', '=,=,;', `a=${'b'.repeat(2_000)}`],
};

interface Change {
  readonly operation: 'drop' | 'replace' | 'repeat' | 'add' | 'spell' | 'pad' | 'line';
  readonly at: number;
  readonly name: string;
  readonly how: number;
}

const tools = subjects.filter(({ name }) => name !== 'fails');
const modernMeta =
  '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}';

const plain = fc
  .record({
    caller: fc.record({
      mode: fc.constantFrom<Mode>('full_access', ...modes),
      profile: fc.option(fc.constantFrom<Profile>(...profiles), { nil: undefined, freq: 2 }),
    }),
    server: fc.option(fc.constantFrom(...(Object.keys(servers) as ServerKey[]))),
    subject: fc.constantFrom(...tools),
    isModern: fc.boolean(),
    region: fc.constantFrom('eu', 'us'),
    path: fc.oneof(
      { weight: 9, arbitrary: fc.constant('') },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          '/',
          '/x',
          '/../v1',
          '?x=1',
          '//',
          '/sse',
          '/sse/messages?sessionId=x',
          '/ops/',
          '/%6fps',
        ),
      },
    ),
    method: fc.oneof(
      { weight: 12, arbitrary: fc.constant('POST') },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          'GET',
          'DELETE',
          'PUT',
          'OPTIONS',
          'HEAD',
          'PATCH',
          'TRACE',
          'post',
          'CONNECT',
          'BREW',
        ),
      },
    ),
  })
  .map(({ caller, server, subject, isModern, region, path, method }): HeaderCase => {
    const tool = `${subject.plugin}.${subject.name}`;
    const isInRegions = subject.name === 'in-regions';
    const input = JSON.stringify({
      key: 'a',
      ...(subject.class === 'as' && { as: 'read' }),
      ...extraOf(subject.name),
      ...(isInRegions && { region }),
    });
    const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${tool}","arguments":${input}${isModern ? `,${modernMeta}` : ''}}}`;
    return {
      method,
      target: `/api/mcp-actions/v1${server ? `/${server}` : ''}${path}`,
      headers: [
        ['Host', 'localhost:{port}'],
        ['Authorization', 'Bearer {token}'],
        ['Content-Type', 'application/json'],
        ['Accept', 'application/json, text/event-stream'],
        ['MCP-Protocol-Version', isModern ? '2026-07-28' : '2025-06-18'],
        ...(isModern
          ? ([
              ['Mcp-Method', 'tools/call'],
              ['Mcp-Name', tool],
            ] as const)
          : []),
        ...(isModern && isInRegions ? ([['Mcp-Param-Region', region]] as const) : []),
        ['Content-Length', String(Buffer.byteLength(body))],
      ],
      body,
      caller,
      action: idOf(subject),
      region: isInRegions ? region : '',
      isModern,
      isPlain: path === '' && method === 'POST',
    };
  });

function extraOf(name: string): object {
  return name === 'either' ? { is: { kind: 'text', text: '' } } : name === 'table' ? { cells: {} } : {};
}

const change: fc.Arbitrary<Change> = fc.record({
  operation: fc.constantFrom('drop', 'replace', 'replace', 'replace', 'repeat', 'add', 'add', 'spell', 'pad', 'line'),
  at: fc.nat({ max: 10_000 }),
  name: fc.constantFrom(...names),
  how: fc.nat({ max: 10_000 }),
});

export const headerCases: fc.Arbitrary<HeaderCase> = fc
  .tuple(
    plain,
    fc.oneof(
      { weight: 1, arbitrary: fc.constant([]) },
      { weight: 6, arbitrary: fc.array(change, { minLength: 1, maxLength: 1 }) },
      { weight: 4, arbitrary: fc.array(change, { minLength: 2, maxLength: 3 }) },
    ),
  )
  .map(([request, changes]) => ({
    ...request,
    headers: changes.reduce<HeaderCase['headers']>(apply, request.headers),
    isPlain: request.isPlain && changes.length === 0,
  }));

function apply(headers: HeaderCase['headers'], { operation, at, name, how }: Change): HeaderCase['headers'] {
  const index = at % Math.max(1, headers.length);
  const current = headers[index];
  if (!current) {
    return headers;
  }
  const pick = (header: string) => {
    const known = values[header] ?? ['x', '', '\u00ff', 'x'.repeat(100)];
    return known[how % known.length] as string;
  };
  const put = (...instead: (readonly [string, string])[]) => [
    ...headers.slice(0, index),
    ...instead,
    ...headers.slice(index + 1),
  ];
  switch (operation) {
    case 'drop':
      return put();
    case 'replace':
      return put([current[0], pick(current[0])]);
    case 'repeat':
      return how % 2 === 0
        ? put(current, [current[0], pick(current[0])])
        : put([current[0], pick(current[0])], current);
    case 'add':
      return how % 2 === 0 ? [...headers, [name, pick(name)]] : [[name, pick(name)], ...headers];
    case 'spell':
      return put([
        [
          current[0].toLowerCase(),
          current[0].toUpperCase(),
          `${current[0]} `,
          ` ${current[0]}`,
          `${current[0]}\u0000`,
          current[0].replace('-', '_'),
        ][how % 6] as string,
        current[1],
      ]);
    case 'pad':
      return put([
        current[0],
        [
          ` ${current[1]} `,
          `\t${current[1]}`,
          `${current[1]}\u0000`,
          `${current[1]}\r`,
          `${current[1]}\u00a0`,
          `"${current[1]}"`,
        ][how % 6] as string,
      ]);
    case 'line':
      return put([
        current[0],
        [
          `x\r\n ${current[1]}`,
          `${current[1]}\r\n\tx`,
          `${current[1]}\nX-Other: y`,
          `${current[1]}\r\n\r\nGET / HTTP/1.1`,
        ][how % 4] as string,
      ]);
  }
}
