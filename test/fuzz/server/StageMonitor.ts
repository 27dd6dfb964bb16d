import { isDeepStrictEqual } from 'node:util';
import type { AuditEntry, AuditedCall, AuditTrail } from '@callboard/actions-api';
import type { LogEntry } from '@callboard/test-utils';
import { Violation } from '../engine/expect.js';
import { callerNamed, rulingOn, type ServerKey } from './rules.js';
import { getSubject, type Subject } from './subjects.js';

interface Intent {
  readonly call: AuditedCall;
  hasRun: boolean;
}

/** A handler that was started. */
export interface Run {
  readonly id: string;
  readonly input: unknown;
  readonly call: AuditedCall | undefined;
}

/** What a log may say although nobody did anything wrong: an action that fails is the action's fault. */
const EXPECTED_ERRORS = [/lights[:.]fails.*failed unexpectedly/];

/**
 * Sits in the trail and in the handlers of the backend under test, and holds every run against the
 * record that has to come first, the action's schema, and what may run at all.
 */
export class StageMonitor {
  readonly #open = new Set<Intent>();
  #runs: Run[] = [];
  #violations: string[] = [];
  /** Keys of calls that a person has approved in this case. */
  readonly approvedKeys = new Set<string>();

  readonly trail: AuditTrail = {
    id: 'monitor',
    begin: async call => this.#begin(call),
    refuse: async () => {},
  };

  get runs(): readonly Run[] {
    return this.#runs;
  }

  get openIntents(): number {
    return this.#open.size;
  }

  /** A case begins. */
  reset(): void {
    this.#runs = [];
    this.#violations = [];
    this.approvedKeys.clear();
  }

  /** A handler has been started with this. */
  ran(subject: Subject, id: string, input: unknown): void {
    const intent = [...this.#open].find(
      ({ call, hasRun }) => !hasRun && call.actionId === id && isDeepStrictEqual(call.input, input),
    );
    this.#runs.push({ id, input: structuredClone(input), call: intent?.call });
    const parsed = subject.schema.safeParse(input);
    if (!parsed.success || !isDeepStrictEqual(parsed.data, input)) {
      this.#violations.push(`${id} ran with an input that its schema refuses: ${JSON.stringify(input)}`);
    }
    if (!intent) {
      this.#violations.push(`${id} ran without a record of its intent: ${JSON.stringify(input)}`);
      return;
    }
    intent.hasRun = true;
    this.#checkRules(subject, intent.call);
  }

  /** @throws Violation for the first thing that was wrong in this case. */
  throwFirst(logs: LogEntry[]): void {
    const stray = logs.find(
      ({ level, message }) => level === 'error' && !EXPECTED_ERRORS.some(expected => expected.test(message)),
    );
    const text = stray && `an error in the log: ${stray.message} ${(stray.error as Error | undefined)?.stack ?? ''}`;
    logs.length = 0;
    const first = this.#violations[0] ?? text;
    if (Reflect.get({}, 'polluted') !== undefined) {
      Reflect.deleteProperty(Object.prototype, 'polluted');
      throw new Violation('Object.prototype was changed');
    }
    if (first !== undefined) {
      throw new Violation(first);
    }
  }

  #begin(call: AuditedCall): AuditEntry {
    const intent: Intent = { call, hasRun: false };
    this.#open.add(intent);
    return {
      finish: async () => {
        this.#open.delete(intent);
      },
    };
  }

  #checkRules(subject: Subject, call: AuditedCall): void {
    const caller = callerNamed(call.principal, call.clientId);
    if (!caller || !call.effect) {
      this.#violations.push(`${call.actionId} ran for ${call.principal}, of whom nothing is known`);
      return;
    }
    const { as, key } = call.input as { as?: string; key?: string };
    if (call.effect !== (subject.class === 'as' ? as : subject.class)) {
      this.#violations.push(`${call.actionId} ran as ${call.effect}, expected ${subject.class}`);
    }
    const server = call.server as ServerKey | undefined;
    const ruling = rulingOn({ subject, effect: call.effect, caller, door: call.door, server });
    const isApproved = ruling === 'approval' && call.approval !== undefined && this.approvedKeys.has(String(key));
    if (ruling !== 'runs' && !isApproved) {
      this.#violations.push(
        `${call.actionId} ran, which the rules say of: ${ruling} (${JSON.stringify({ ...caller, effect: call.effect, door: call.door, server })})`,
      );
    }
  }
}

/** @throws Error if there is no such action. */
export const subjectOf = (run: Run): Subject => getSubject(run.id);
