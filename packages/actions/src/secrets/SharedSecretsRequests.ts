import { NotFoundError } from '@backstage/errors';
import type { JsonObject, JsonValue } from '@backstage/types';
import type { Replicas } from '../replicas/Replicas.js';
import type { SecretsIssue } from './SecretsDesk.js';
import type { HeldRequests, KeptRequest, SecretsRequests, TakenSecrets } from './SecretsRequests.js';

const TOPIC = 'secrets';
const LOOK_MS = 3_000;
/** Longer than the action's check may take. */
const ASK_MS = 15_000;
/** What comes late is told by the other replica first. */
const MARGIN_MS = 5_000;

/** What one replica asks another; the answers are what the methods of the same names return, as JSON. */
type Question =
  | { readonly do: 'look' | 'take'; readonly binding: string; readonly principal: string }
  | { readonly do: 'close'; readonly id: string; readonly binding: string }
  | { readonly do: 'find'; readonly id: string }
  | { readonly do: 'enter'; readonly id: string; readonly secrets: JsonObject }
  | { readonly do: 'wait'; readonly id: string; readonly timeoutMs: number };

/** How secrets are on their way from one replica to another, whose clock may be another. */
interface CarriedSecrets extends Omit<TakenSecrets, 'keepUntilMs'> {
  readonly keepForMs: number;
}

/** What the other replicas hold. */
export interface HeldElsewhere extends HeldRequests {
  /** The replicas that have the secrets of the call. */
  readonly holders: readonly string[];
}

/**
 * Requests for secrets of all replicas: each is kept where it was opened, and reached from the others.
 * Secrets are held by one replica at a time, which is asked for them, and gives them once.
 */
export class SharedSecretsRequests {
  readonly #replicas: Replicas;
  readonly #own: SecretsRequests;
  readonly #enter: (id: string, secrets: JsonObject) => Promise<readonly SecretsIssue[]>;
  readonly #nowMs: () => number;
  #disconnect = () => {};

  constructor(options: {
    replicas: Replicas;
    own: SecretsRequests;
    /** Checks and keeps what was entered for a request that is held here. */
    enter: (id: string, secrets: JsonObject) => Promise<readonly SecretsIssue[]>;
    nowMs: () => number;
  }) {
    this.#replicas = options.replicas;
    this.#own = options.own;
    this.#enter = options.enter;
    this.#nowMs = options.nowMs;
  }

  /** From now on, other replicas reach what is held here. */
  connect(): void {
    this.#disconnect();
    this.#disconnect = this.#replicas.answer(TOPIC, async (question, { signal }) =>
      asJson(await this.#answer(question as unknown as Question, signal)),
    );
  }

  disconnect(): void {
    this.#disconnect();
    this.#disconnect = () => {};
  }

  /** @throws ServiceUnavailableError if the others cannot be asked. */
  async lookElsewhere(binding: string, principal: string): Promise<HeldElsewhere> {
    const question: Question = { do: 'look', binding, principal };
    const answers = (await this.#replicas.askOthers(TOPIC, asJson(question), {
      timeoutMs: LOOK_MS,
    })) as unknown as (HeldRequests & { replica: string })[];
    const sum = (count: 'own' | 'all') => answers.reduce((total, answer) => total + answer[count], 0);
    const holders = answers.flatMap(({ isEntered, replica }) => (isEntered ? [replica] : []));
    return {
      holders,
      isEntered: holders.length > 0,
      open: answers.find(({ open }) => open)?.open,
      own: sum('own'),
      all: sum('all'),
    };
  }

  /**
   * Takes secrets for a call from another replica.
   *
   * @returns undefined if they have been taken meanwhile, or it is gone.
   */
  async takeFrom(holder: string, binding: string, principal: string): Promise<TakenSecrets | undefined> {
    const carried = (await this.#ask(holder, { do: 'take', binding, principal })) as unknown as CarriedSecrets | null;
    return carried ? { ...carried, keepUntilMs: this.#nowMs() + carried.keepForMs } : undefined;
  }

  /** Forgets a request of this binding, and what was entered, wherever it is. */
  async close(id: string, binding: string): Promise<void> {
    this.#own.close(id, binding);
    const question: Question = { do: 'close', id, binding };
    // What the others are not told is forgotten when its time is over.
    await this.#replicas.askOthers(TOPIC, asJson(question), { timeoutMs: LOOK_MS }).catch(() => []);
  }

  async find(id: string): Promise<KeptRequest | undefined> {
    const found = this.#own.find(id);
    const owner = this.#findOther(id);
    return found || !owner
      ? found
      : (((await this.#ask(owner, { do: 'find', id })) as unknown as KeptRequest | null) ?? undefined);
  }

  /** @returns undefined if no other replica has the request. */
  async enterElsewhere(id: string, secrets: JsonObject): Promise<readonly SecretsIssue[] | undefined> {
    const owner = this.#findOther(id);
    const answer = owner ? await this.#ask(owner, { do: 'enter', id, secrets }) : null;
    return (answer as unknown as readonly SecretsIssue[] | null) ?? undefined;
  }

  async whenEntered(id: string, options: { signal: AbortSignal; timeoutMs: number }): Promise<boolean> {
    const owner = this.#findOther(id);
    if (!owner || this.#own.find(id)) {
      return this.#own.whenEntered(id, options);
    }
    const { timeoutMs, signal } = options;
    const limits = { timeoutMs: timeoutMs + MARGIN_MS, signal };
    return (await this.#ask(owner, { do: 'wait', id, timeoutMs }, limits)) === true;
  }

  async #answer(question: Question, signal: AbortSignal): Promise<unknown> {
    switch (question.do) {
      case 'look':
        return { ...this.#own.look(question.binding, question.principal), replica: this.#replicas.id };
      case 'take': {
        const { keepUntilMs, ...taken } = this.#own.take(question.binding) ?? {};
        return keepUntilMs === undefined ? null : { ...taken, keepForMs: keepUntilMs - this.#nowMs() };
      }
      case 'close':
        return this.#own.close(question.id, question.binding);
      case 'find':
        return this.#own.find(question.id);
      case 'enter':
        return this.#enter(question.id, question.secrets);
      case 'wait':
        return this.#own.whenEntered(question.id, { signal, timeoutMs: question.timeoutMs });
      default:
        throw new NotFoundError(`Nothing of the kind ${JSON.stringify((question as Question).do)} is done here`);
    }
  }

  /** @returns null if the other replica is gone, and what it held with it. */
  async #ask(
    replica: string,
    question: Question,
    options: { timeoutMs: number; signal?: AbortSignal } = { timeoutMs: ASK_MS },
  ): Promise<JsonValue> {
    try {
      return await this.#replicas.ask(replica, TOPIC, asJson(question), options);
    } catch (error) {
      if ((error as Error | undefined)?.name === 'NotFoundError') {
        return null;
      }
      throw error;
    }
  }

  /** The other replica where an id is from. */
  #findOther(id: string): string | undefined {
    const [, owner] = /^([\w-]{12})\.[\w-]{32}$/.exec(id) ?? [];
    return owner === this.#replicas.id ? undefined : owner;
  }
}

/** Checks stay where they are: what is wrong with secrets is found out by who holds the request. */
function asJson(value: unknown): JsonValue {
  return JSON.parse(JSON.stringify(value ?? null)) as JsonValue;
}
