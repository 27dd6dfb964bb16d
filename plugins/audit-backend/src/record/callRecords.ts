import { type AuditedCall, type AuditOutcome, describeInput, scrubText, visibleText } from '@callboard/actions-api';
import { CleanTexts } from './CleanTexts.js';
import type { CallRecord } from './records.js';

/** Makes the records of one call. What it needs of the call is copied at once. */
export class CallRecords {
  readonly #about: Omit<CallRecord, 'kind' | 'time'>;
  readonly #input: Pick<CallRecord, 'input' | 'inputBytes'>;
  readonly #secrets: ReadonlySet<string>;
  readonly #texts: CleanTexts;

  constructor(options: { call: AuditedCall; maxInputBytes: number; texts?: CleanTexts }) {
    const { call, maxInputBytes, texts = new CleanTexts() } = options;
    this.#texts = texts;
    const { secrets, ...input } = describeInput(call.input, maxInputBytes);
    this.#input = input;
    this.#secrets = secrets;
    this.#about = {
      requestId: this.#text(call.requestId, 64),
      principal: this.#text(call.principal, 500),
      clientId: this.#optionalText(call.clientId, 500),
      agentId: this.#optionalText(call.agentId, 256),
      door: call.door,
      server: this.#optionalText(call.server, 128),
      name: this.#text(call.name, 256),
      actionId: this.#optionalText(call.actionId, 256),
      effect: call.effect,
      mode: call.mode,
      decision: this.#text(call.decision, 64),
      approvalId: this.#optionalText(call.approval?.id, 128),
      decidedBy: this.#optionalText(call.approval?.decidedBy, 500),
      channel: call.approval?.channel,
      fingerprint: this.#optionalText(call.fingerprint, 128),
    };
  }

  intent(time: Date): CallRecord {
    return { kind: 'intent', time: time.toISOString(), ...this.#about, ...this.#input };
  }

  outcome(time: Date, outcome: AuditOutcome): CallRecord {
    return { kind: 'outcome', time: time.toISOString(), ...this.#about, ...this.#ending(outcome) };
  }

  refusal(time: Date, outcome: AuditOutcome): CallRecord {
    return { kind: 'refusal', time: time.toISOString(), ...this.#about, ...this.#input, ...this.#ending(outcome) };
  }

  #ending({ durationMs, error }: AuditOutcome): Pick<CallRecord, 'durationMs' | 'error'> {
    return {
      durationMs,
      ...(error && { error: { name: this.#text(error.name, 128), message: this.#freeText(error.message, 1000) } }),
    };
  }

  #text(text: string, maxLength: number): string {
    const clean = this.#secrets.size === 0 ? this.#texts.get(text) : undefined;
    return clean === undefined ? this.#freeText(text, maxLength) : visibleText(clean, maxLength);
  }

  #freeText(text: string, maxLength: number): string {
    return visibleText(scrubText(String(text), this.#secrets), maxLength);
  }

  #optionalText(text: string | undefined, maxLength: number): string | undefined {
    return text === undefined ? undefined : this.#text(text, maxLength);
  }
}
