import { randomBytes } from 'node:crypto';
import type { JsonValue } from '@backstage/types';
import type { Asked, Replicas } from '@callboard/actions';

/** As replicas have it that reach each other over Redis. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

type Handler = Parameters<Replicas['answer']>[1];
type Listener = Parameters<Replicas['onBroadcast']>[1];

/** What is between the replicas of a test. */
interface Bus {
  readonly members: Map<string, TestReplica>;
  isAway: boolean;
}

/** Something that is being waited for. */
interface Asking {
  readonly of: string;
  fail(error: Error): void;
}

/**
 * Replicas of one process, which reach each other as those of a deployment do over Redis: what goes
 * between them is JSON, and arrives later than what is done next.
 */
export function connectReplicas(count: number): TestReplica[] {
  const bus: Bus = { members: new Map(), isAway: false };
  return Array.from({ length: count }, () => new TestReplica(bus));
}

export class TestReplica implements Replicas {
  readonly id = randomBytes(9).toString('base64url');
  readonly redis = undefined;
  /** What went to this replica, as JSON: requests, what it was told, and answers to what it asked. */
  readonly received: string[] = [];
  readonly #bus: Bus;
  readonly #handlers = new Map<string, Handler>();
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #asking = new Set<Asking>();
  readonly #served = new Set<{ from: string; controller: AbortController }>();

  constructor(bus: Bus) {
    this.#bus = bus;
    bus.members.set(this.id, this);
  }

  /** As if its process were killed: from now on nobody reaches it, and it reaches nobody. */
  kill(): void {
    this.#bus.members.delete(this.id);
    for (const member of this.#bus.members.values()) {
      member.#forget(this.id);
    }
    for (const asking of this.#asking) {
      asking.fail(failure('ServiceUnavailableError', 'This replica is gone'));
    }
  }

  /** Cuts all of them off from each other, or lets them reach each other again. */
  cutAllOff(isAway: boolean): void {
    this.#bus.isAway = isAway;
    for (const member of isAway ? this.#bus.members.values() : []) {
      for (const asking of member.#asking) {
        asking.fail(away());
      }
    }
  }

  async broadcast(topic: string, payload: JsonValue): Promise<number> {
    this.#assertConnected();
    const others = this.#others();
    for (const other of others) {
      const arrived = other.#receive(payload);
      setImmediate(() => {
        for (const listener of other.#listeners.get(topic) ?? []) {
          listener(arrived, this.id);
        }
      });
    }
    return others.length;
  }

  onBroadcast(topic: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  answer(topic: string, handler: Handler): () => void {
    if (this.#handlers.has(topic)) {
      throw new Error(`Somebody answers "${topic}" already`);
    }
    this.#handlers.set(topic, handler);
    return () => this.#handlers.delete(topic);
  }

  async ask(
    replicaId: string,
    topic: string,
    payload: JsonValue,
    { timeoutMs, signal, onTold }: Parameters<Replicas['ask']>[3],
  ): Promise<JsonValue> {
    signal?.throwIfAborted();
    this.#assertConnected();
    const other = this.#bus.members.get(replicaId);
    if (!other) {
      throw failure('NotFoundError', `There is no replica ${JSON.stringify(replicaId)}`);
    }
    const controller = new AbortController();
    const served = { from: this.id, controller };
    let isOver = false;
    return new Promise<JsonValue>((resolve, reject) => {
      const asking: Asking = { of: replicaId, fail: error => end(() => reject(error)) };
      const onAbort = () => end(() => reject(signal?.reason));
      const timer = setTimeout(
        () => end(() => reject(failure('ServiceUnavailableError', `No answer within ${timeoutMs} ms`))),
        timeoutMs,
      ).unref();
      const end = (settle: () => void) => {
        isOver = true;
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        this.#asking.delete(asking);
        other.#served.delete(served);
        // The other learns of it in any case, and later.
        setImmediate(() => controller.abort(new Error('Nobody waits for the answer any more')));
        settle();
      };
      /** Arrives in the order of the sending. */
      const arrive = (value: JsonValue, use: (value: JsonValue) => void) => {
        setImmediate(() => isOver || use(this.#receive(value)));
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#asking.add(asking);
      other.#served.add(served);
      const asked: Asked = {
        from: this.id,
        signal: controller.signal,
        tell: told => arrive(told, value => onTold?.(value)),
      };
      setImmediate(() => {
        const handler = other.#handlers.get(topic);
        Promise.resolve()
          .then(() => {
            const value = other.#receive(payload);
            if (!handler) {
              throw failure('NotImplementedError', `Nobody answers "${topic}"`);
            }
            return handler(value, asked);
          })
          .then(
            answer => arrive(answer, value => end(() => resolve(value))),
            ({ name, message }: Error) => setImmediate(() => isOver || end(() => reject(failure(name, message)))),
          );
      });
    });
  }

  async askOthers(topic: string, payload: JsonValue, options: { timeoutMs: number }): Promise<JsonValue[]> {
    this.#assertConnected();
    const answers = await Promise.allSettled(
      this.#others()
        .filter(other => other.#handlers.has(topic))
        .map(other => this.ask(other.id, topic, payload, options)),
    );
    return answers.flatMap(answer => (answer.status === 'fulfilled' ? [answer.value] : []));
  }

  #others(): TestReplica[] {
    return [...this.#bus.members.values()].filter(member => member !== this);
  }

  /** Another one is gone: it answers nothing any more, and waits for nothing. */
  #forget(id: string): void {
    for (const asking of this.#asking) {
      if (asking.of === id) {
        asking.fail(failure('NotFoundError', `There is no replica ${JSON.stringify(id)} any more`));
      }
    }
    for (const { from, controller } of this.#served) {
      if (from === id) {
        controller.abort(new Error('The replica that asked is gone'));
      }
    }
  }

  #receive(payload: JsonValue): JsonValue {
    const text = JSON.stringify(payload);
    if (Buffer.byteLength(text) > MAX_MESSAGE_BYTES) {
      throw failure('InputError', `A message may have ${MAX_MESSAGE_BYTES} bytes`);
    }
    this.received.push(text);
    return JSON.parse(text);
  }

  #assertConnected(): void {
    if (this.#bus.isAway || !this.#bus.members.has(this.id)) {
      throw away();
    }
  }
}

function away(): Error {
  return failure('ServiceUnavailableError', 'The bus is away');
}

function failure(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}
