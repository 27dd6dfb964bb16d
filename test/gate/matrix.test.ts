import { createHash } from 'node:crypto';
import approvalsFeatures from '@callboard/plugin-approvals-backend';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Answer,
  askingDoors,
  type ClientAnswer,
  clientAnswers,
  type DoorName,
  openDoor,
  silentDoors,
} from './testing/doors.js';
import type { TrailRecord } from './testing/recordingTrail.js';
import { type Gate, startGate, tokenOf } from './testing/startGate.js';

// What ought to happen is written here in full, and nothing of it is taken from the code that decides.

const modes = ['read_only', 'safe', 'delete_safe', 'full_access'] as const;
type Mode = (typeof modes)[number];
type Class = 'read' | 'create' | 'update' | 'replace' | 'delete' | 'execute';
type Ruling = 'runs' | 'needs approval' | 'refused';

/** The safety contract: read, write (create, update, replace), delete, execute. */
const contract: Record<Mode, Record<Class, Ruling>> = {
  read_only: {
    read: 'runs',
    create: 'refused',
    update: 'refused',
    replace: 'refused',
    delete: 'refused',
    execute: 'refused',
  },
  safe: {
    read: 'runs',
    create: 'needs approval',
    update: 'needs approval',
    replace: 'needs approval',
    delete: 'needs approval',
    execute: 'needs approval',
  },
  delete_safe: {
    read: 'runs',
    create: 'runs',
    update: 'runs',
    replace: 'runs',
    delete: 'needs approval',
    execute: 'needs approval',
  },
  full_access: { read: 'runs', create: 'runs', update: 'runs', replace: 'runs', delete: 'runs', execute: 'runs' },
};

const classes: Class[] = ['read', 'create', 'update', 'replace', 'delete', 'execute'];

/** Each class as an action states it, each as an action computes it, and an action that says nothing. */
const subjects: { action: string; input: { as?: Class }; class: Class }[] = [
  ...classes.map(name => ({ action: `${name}-stated`, input: {}, class: name })),
  ...classes.map(name => ({ action: 'computed', input: { as: name }, class: name })),
  { action: 'unlabelled', input: {}, class: 'delete' },
];

/** Every way in with every kind of client behind it. */
const ways: { door: DoorName; answer: ClientAnswer }[] = [
  ...askingDoors.flatMap(door => clientAnswers.map(answer => ({ door, answer }))),
  ...silentDoors.map(door => ({ door, answer: 'none' as const })),
];
const nameOf = ({ door, answer }: (typeof ways)[number]) => `${door}-${answer}`;

/** What is seen of one call from outside: by the caller, in the action, in the trail. */
interface Seen {
  answer: unknown;
  runs: number;
  records: unknown[];
}

const recorded = {
  asked: { kind: 'refusal', decision: 'needs_approval_asked', error: 'ApprovalQuestion', hasApproval: true },
  ran: (decision: string) => [
    { kind: 'intent', decision, hasApproval: decision !== 'allow' },
    { kind: 'outcome', decision, hasApproval: decision !== 'allow' },
  ],
  refused: (decision: string, error = 'NotAllowedError', hasApproval = true) => ({
    kind: 'refusal',
    decision,
    error,
    hasApproval,
  }),
};

const refusal = (...words: string[]) => ({ ended: 'refused', name: 'NotAllowedError', words });
const nobodyToAsk = (why: string) =>
  refusal(
    'needs approval',
    why,
    'An operator can let such calls run without approval with the mode full_access (backend.actions.mode)',
  );

/** What has to be seen of a call that needs approval. */
function expectApproval({ door, answer }: (typeof ways)[number], isDurable: boolean): Seen {
  const { asked } = recorded;
  if (answer === 'accepts') {
    return { answer: { ended: 'ran' }, runs: 1, records: [asked, ...recorded.ran('needs_approval_accepted')] };
  }
  if (answer === 'declines') {
    const records = [asked, recorded.refused('needs_approval_declined')];
    return { answer: refusal('did not run: the person who was asked declined'), runs: 0, records };
  }
  if (answer === 'cancels') {
    const records = [asked, recorded.refused('needs_approval_cancelled')];
    return { answer: refusal('did not run: the person who was asked did not decide'), runs: 0, records };
  }
  // In the 2026 era the client makes the call again once it has an answer: without one it does not.
  if (answer === 'never' || (answer === 'errors' && door === 'modern')) {
    return { answer: { ended: 'given-up' }, runs: 0, records: [asked] };
  }
  const before = answer === 'errors' ? [asked] : [];
  if (isDurable) {
    return {
      answer: {
        ended: 'refused',
        name: 'ApprovalRequiredError',
        words: ['has to be approved by a person first'],
        isPending: true,
      },
      runs: 0,
      records: [...before, recorded.refused('needs_approval_pending', 'ApprovalRequiredError')],
    };
  }
  const why = answer === 'errors' ? 'the client did not answer' : 'the client does not support elicitation';
  return {
    answer: nobodyToAsk(`there is no way to ask a person: ${why}, and no plugin keeps approvals`),
    runs: 0,
    records: [...before, recorded.refused('needs_approval_unavailable', 'NotAllowedError', false)],
  };
}

function expectCall(
  mode: Mode,
  subject: (typeof subjects)[number],
  way: (typeof ways)[number],
  isDurable: boolean,
): Seen {
  switch (contract[mode][subject.class]) {
    case 'runs':
      return { answer: { ended: 'ran' }, runs: 1, records: recorded.ran('allow') };
    case 'refused':
      return {
        answer: refusal(
          `is refused: the mode is ${mode}, and the call is of class ${subject.class} (backend.actions.mode)`,
        ),
        runs: 0,
        records: [recorded.refused('refuse_mode', 'NotAllowedError', false)],
      };
    case 'needs approval':
      return expectApproval(way, isDurable);
  }
}

/** SHA-256 over what an action is, written in one way only. */
function fingerprintFrom(listed: object): string {
  const { id, title, description, schema, attributes, effect, capability } = listed as Record<string, unknown>;
  const about = { id, title, description, schema, attributes, effect, capability };
  const inOrder = (_key: string, value: unknown) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value;
  return createHash('sha256').update(JSON.stringify(about, inOrder)).digest('hex');
}

/** By action id, of what is listed where everything is. */
const fingerprints = new Map<string, string>();

beforeAll(async () => {
  const gate = await startGate({ mode: 'full_access', callers: ['reader'] });
  const response = await fetch(`${gate.url}/api/work/.backstage/actions/v1/actions`, {
    headers: { Authorization: `Bearer ${tokenOf('reader')}` },
  });
  const { actions } = (await response.json()) as { actions: { id: string }[] };
  for (const action of actions) {
    fingerprints.set(action.id, fingerprintFrom(action));
  }
  await gate.stop();
});

const surroundings = [
  { name: 'without a plugin that keeps approvals', isDurable: false, features: [] },
  { name: 'with the plugin that keeps approvals', isDurable: true, features: [approvalsFeatures] },
];

describe.each(surroundings)('$name', ({ isDurable, features }) => {
  const gates = new Map<Mode, Gate>();
  const answers = new Map<string, Answer>();

  beforeAll(async () => {
    for (const mode of modes) {
      gates.set(mode, await startGate({ mode, callers: ways.map(nameOf), features }));
    }
    await Promise.all(modes.flatMap(mode => ways.map(way => callEverything(mode, way))));
  });
  afterAll(() => Promise.all([...gates.values()].map(gate => gate.stop())));

  async function callEverything(mode: Mode, way: (typeof ways)[number]): Promise<void> {
    const door = await openDoor(gates.get(mode) as Gate, { ...way, caller: nameOf(way) });
    for (const subject of subjects) {
      const key = keyOf(way, subject);
      answers.set(`${mode} ${key}`, await door.call(subject.action, { key, ...subject.input }));
    }
    await door.close();
  }

  describe.each(modes)('in the mode %s', mode => {
    describe.each(ways)('by $door with a client that answers: $answer', way => {
      it.each(subjects)('a call of $action $input does what the contract says, and is on record', subject => {
        const { work, records: all } = gates.get(mode) as Gate;
        const key = keyOf(way, subject);
        const records = all.filter(({ call }) => (call.input as { key?: string }).key === key);
        const expected = expectCall(mode, subject, way, isDurable);

        const seen = {
          answer: summarize(answers.get(`${mode} ${key}`), expected.answer),
          runs: work.timesRun(key),
          records: records.map(summarizeRecord),
        };

        expect(seen).toEqual(expected);
        expect(new Set(records.map(({ call }) => JSON.stringify(aboutOf(call))))).toEqual(
          new Set([JSON.stringify(expectAbout(mode, subject, way))]),
        );
      });
    });
  });
});

const keyOf = (way: (typeof ways)[number], { action, input }: (typeof subjects)[number]) =>
  `${nameOf(way)} ${action} ${input.as ?? ''}`;

/** The words that were expected and came; all of the message, where one did not. */
function summarize(answer: Answer | undefined, expected: unknown): unknown {
  if (answer?.ended !== 'refused') {
    return { ended: answer?.ended };
  }
  const words = (expected as { words?: string[] }).words ?? [];
  const { name, message, approval } = answer;
  const isPending =
    approval !== undefined &&
    /^[\w-]{22,}$/.test(approval.id) &&
    Date.parse(approval.expiresAt) > Date.now() &&
    approval.url?.includes(approval.id) === true &&
    [approval.id, approval.url, approval.expiresAt].every(part => message.includes(part));
  return {
    ended: 'refused',
    name,
    words: words.every(part => message.includes(part)) ? words : [message],
    ...(approval && { isPending }),
  };
}

function summarizeRecord({ kind, call, outcome }: TrailRecord): unknown {
  const { decision, approval } = call;
  return { kind, decision, hasApproval: approval !== undefined, ...(outcome?.error && { error: outcome.error.name }) };
}

/** What every record of a call has to say, whatever became of the call. */
function aboutOf({ principal, door, server, actionId, effect, mode, fingerprint }: TrailRecord['call']) {
  return { principal, door, server, actionId, effect, mode, fingerprint };
}

function expectAbout(
  mode: Mode,
  subject: (typeof subjects)[number],
  way: (typeof ways)[number],
): ReturnType<typeof aboutOf> {
  const actionId = `work:${subject.action}`;
  const isHttp = way.door === 'http-v1' || way.door === 'http-v2';
  return {
    principal: way.door === 'in-process' ? 'servicePrincipal{plugin:caller}' : `servicePrincipal{${nameOf(way)}}`,
    door: way.door === 'in-process' ? 'in-process' : isHttp ? 'http' : 'mcp',
    server: undefined,
    actionId,
    effect: subject.class,
    mode,
    fingerprint: fingerprints.get(actionId),
  };
}
