import { hold, shown } from '../engine/expect.js';
import type { FuzzTarget, OpenTarget } from '../engine/FuzzTarget.js';
import { holdWellFormed } from '../server/answers.js';
import { HttpWire, type WireAnswer } from '../server/HttpWire.js';
import { nameOf, type Profile, profiles, rulingOn, type ServerKey, servers } from '../server/rules.js';
import { openSession, ping } from '../server/sessions.js';
import { type Stage, serviceToken, startStage } from '../server/startStage.js';
import { getSubject } from '../server/subjects.js';
import { sendRaw } from './RawWire.js';
import { type HeaderCase, headerCases } from './requests.js';

/** Whose session `{session}` is, and whose token `{other}`. */
const owner = { mode: 'full_access', profile: undefined } as const;

/** What headers say decides who calls, from where, and as what: a call runs only if all of them say that it may. */
export const headersTarget: FuzzTarget<HeaderCase> = {
  name: 'headers',
  about:
    'requests to MCP servers, byte by byte: Host, Origin, Authorization, Content-*, Mcp-*, profiles, lines that are none',
  weight: 3,
  batchSize: 500,
  async open(): Promise<OpenTarget<HeaderCase>> {
    const stage = await startStage();
    const wire = new HttpWire({ port: stage.port });
    let session = await openSession({ stage, wire, caller: owner });
    return {
      cases: headerCases,
      check: given => stage.during(() => check({ stage, wire, given, sessionId: session.id })),
      async settle() {
        await session.end();
        await stage.settle();
        session = await openSession({ stage, wire, caller: owner });
      },
      async close() {
        wire.close();
        await stage.stop();
      },
    };
  },
};

interface Context {
  readonly stage: Stage;
  readonly wire: HttpWire;
  readonly given: HeaderCase;
  readonly sessionId: string;
}

async function check({ stage, wire, given, sessionId }: Context): Promise<void> {
  const fill = (text: string) =>
    text
      .replaceAll('{port}', String(stage.port))
      .replaceAll('{token}', serviceToken(given.caller))
      .replaceAll('{other}', serviceToken(owner))
      .replaceAll('{session}', sessionId);
  const headers = given.headers.map(([name, value]) => [name, fill(value)] as const);
  const bytes = `${given.method} ${given.target} HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${given.body}`;

  const answers = await sendRaw(stage.port, bytes, { isHead: given.method === 'HEAD' });

  const { runs } = stage.monitor;
  for (const answer of answers) {
    checkAnswer(answer, bytes, given);
  }
  stage.check();
  hold(runs.length <= 1, 'one request, several runs', runs);
  const [run] = runs;
  if (run) {
    const lacking = findLacking({ given, headers, stage, sessionId, principal: run.call?.principal ?? '' });
    hold(lacking === undefined, `ran although ${lacking}`, { headers });
    hold(answers[0]?.status === 200, 'ran, and says otherwise', answers);
  }
  if (given.isPlain) {
    const { subject, ...known } = knownCall(given, undefined);
    const expected = rulingOn({ subject, ...known }) === 'runs' ? 1 : 0;
    hold(
      runs.length === expected,
      expected ? 'did not run' : 'ran against the rules',
      answers.map(({ text }) => shown(text)),
    );
  }
  await ping({ stage, wire });
}

function checkAnswer(answer: WireAnswer, bytes: string, { target }: HeaderCase): void {
  const isOurs = answer.headers['content-type']?.startsWith('application/json') || answer.text === '';
  if (isOurs && /^\/api\/mcp-actions\/v1(\/(ops|reader|half))?$/.test(target)) {
    holdWellFormed(answer, bytes);
  }
  hold(answer.status < 500 || [501, 505].includes(answer.status), `the status ${answer.status}`, answer.text);
  hold(
    !answer.text.includes('S3crTokenOf') && !answer.text.includes(process.cwd()),
    'an answer with what is inside',
    answer.text,
  );
}

function knownCall(given: HeaderCase, asked: Profile | undefined) {
  const subject = getSubject(given.action);
  const effect = subject.class === 'as' ? ('read' as const) : subject.class;
  return {
    subject,
    effect,
    caller: { ...given.caller, scopes: undefined },
    door: 'mcp' as const,
    server: serverAt(given.target),
    asked,
  };
}

/** @returns what a call that ran did not have, and has to have. */
function findLacking(options: {
  given: HeaderCase;
  headers: readonly (readonly [string, string])[];
  stage: Stage;
  sessionId: string;
  principal: string;
}): string | undefined {
  const { given, headers, sessionId, principal } = options;
  const allOf = (name: string) =>
    headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value.replace(/\r\n[ \t]+/g, ' ').trim());
  const oneOf = (name: string) => allOf(name).join(', ');
  const [authorization = ''] = allOf('authorization');
  const isOwner = authorization.endsWith(` ${serviceToken(owner)}`);
  const caller = isOwner ? owner : given.caller;
  const asked = allOf('callboard-profile');
  const { subject, ...known } = knownCall({ ...given, caller }, asked[0] as Profile | undefined);
  const sessions = allOf('mcp-session-id');

  const needed: readonly (readonly [string, boolean])[] = [
    ['it is no POST', given.method === 'POST'],
    [
      'its path is another',
      /^\/api\/mcp-actions\/v1(\/(ops|reader|half|%6fps))?\/?(\?x=1)?$/.test(given.target) ||
        given.target.endsWith('//'),
    ],
    ['its Host is not served here', allOf('host').length === 1 && isHost(allOf('host')[0] as string)],
    ['its Origin may not call', allOf('origin').every(isOrigin)],
    [
      'nobody is known to call',
      new RegExp(`^bearer +(${serviceToken(given.caller)}|${serviceToken(owner)})$`, 'i').test(authorization),
    ],
    ['it ran for somebody else', principal.includes(`svc:${nameOf(caller)}`)],
    ['its type is not JSON', /^application\/json\s*(;|$)/i.test(allOf('content-type')[0] ?? '')],
    ['it is encoded', allOf('content-encoding').every(value => value === 'identity')],
    ['its profile is none', asked.every(profile => profiles.includes(profile as Profile)) && asked.length <= 1],
    ['its profile does not allow it', rulingOn({ subject, ...known }) === 'runs'],
    [
      'its session is of somebody else',
      sessions.length === 0 ||
        (sessions.length === 1 &&
          sessions[0] === sessionId &&
          isOwnerOf(caller) &&
          serverAt(given.target) === undefined),
    ],
    ['its headers say another method', !given.isModern || oneOf('mcp-method') === 'tools/call'],
    ['its headers say another tool', !given.isModern || isSaid(oneOf('mcp-name'), given.action.replace(':', '.'))],
    ['its headers say another revision', !given.isModern || oneOf('mcp-protocol-version') === '2026-07-28'],
    [
      'its headers say another argument',
      !given.isModern || given.region === '' || isSaid(oneOf('mcp-param-region'), given.region),
    ],
  ];
  return needed.find(([, isThere]) => !isThere)?.[0];
}

const isOwnerOf = ({ mode, profile }: HeaderCase['caller']) => mode === owner.mode && profile === owner.profile;

const isHost = (host: string) =>
  /^(localhost|127\.0\.0\.1|\[::1\]|board\.example)(:\d{1,5})?$|^other\.example:8443$/.test(host);
const isOrigin = (origin: string) => /^https?:\/\/localhost(:\d{1,5})?$|^https:\/\/app\.example$/.test(origin);
/** As it is, or in Base64 as MCP 2026-07-28 has it. */
const isSaid = (value: string, text: string) =>
  value === text || value === `=?base64?${Buffer.from(text).toString('base64')}?=`;

/** The server that a path leads to, whatever else is in it. */
function serverAt(target: string): ServerKey | undefined {
  const [, key = ''] = /^\/api\/mcp-actions\/v1\/+([^/?]+)/.exec(target) ?? [];
  const name = key.replace('%6f', 'o');
  return name in servers ? (name as ServerKey) : undefined;
}
