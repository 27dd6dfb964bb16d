import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

const SUBSCRIPTION_ID = 'io.modelcontextprotocol/subscriptionId';
const INTERNAL_ERROR = -32603;
const STOP_TIMEOUT_MS = 3_000;
const MAX_LOG_CHARACTERS = 20_000;

export type Id = string | number;

export interface Message {
  jsonrpc: '2.0';
  id?: Id | null;
  method?: string;
  params?: Record<string, unknown> & { _meta?: Record<string, unknown> };
  result?: Record<string, unknown> & { _meta?: Record<string, unknown> };
  error?: { code: number; message: string; data?: unknown };
}

/** How a stdio server is started. */
export interface StdioCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** What the server finds in its environment, besides `PATH`. */
  readonly env: Readonly<Record<string, string>>;
  /** Told of what it writes to standard error. */
  readonly onLog?: (text: string) => void;
}

interface OpenRequest {
  readonly clientId: Id;
  readonly progressToken: unknown;
  /** Subscriptions get what names them, and nothing else. */
  readonly isSubscription: boolean;
  readonly outlet: Outlet;
}

/** Where what belongs to a request goes. */
export interface Outlet {
  write(message: Message): void;
  /** There will be no answer. */
  end(): void;
}

/**
 * One process that is an MCP server over stdio, shared by requests whose ids know nothing of each other: each gets an
 * id of its own there, which is its progress token, too.
 */
export class StdioRelay {
  readonly exited: Promise<void>;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #deliverUnrelated: (message: Message) => void;
  readonly #open = new Map<Id, OpenRequest>();
  #lastId = 0;
  #log = '';

  /** @param options.deliverUnrelated - gets what belongs to no open request. */
  constructor(options: StdioCommand & { deliverUnrelated: (message: Message) => void }) {
    this.#deliverUnrelated = options.deliverUnrelated;
    this.#child = spawn(options.command, [...options.args], {
      env: { PATH: process.env.PATH, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    // What is written to a process that has gone is lost; what waits for its answer hears of the end.
    this.#child.stdin.on('error', () => {});
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#log = (this.#log + text).slice(-MAX_LOG_CHARACTERS);
      options.onLog?.(text);
    });
    createInterface(this.#child.stdout).on('line', line => this.#receive(line));
    this.exited = new Promise(resolve => {
      this.#child.once('error', error => {
        this.#log += String(error);
        resolve();
      });
      this.#child.once('close', () => resolve());
    });
    void this.exited.then(() => this.#failAll('The stdio server has ended'));
  }

  /**
   * @param outlet - gets what belongs to the request, its answer last.
   * @returns what ends the wait and tells the server so.
   */
  request(message: Message & { id: Id }, outlet: Outlet): { cancel: () => void } {
    this.#lastId += 1;
    const id = this.#lastId;
    const { params } = message;
    const progressToken = params?._meta?.progressToken;
    this.#open.set(id, {
      clientId: message.id,
      progressToken,
      isSubscription: message.method === 'subscriptions/listen',
      outlet,
    });
    this.send({
      ...message,
      id,
      ...(params &&
        progressToken !== undefined && { params: { ...params, _meta: { ...params._meta, progressToken: id } } }),
    });
    return { cancel: () => this.#cancel(id, {}) };
  }

  /** Hands on a notification or an answer; a cancellation by the id under which the server knows the request. */
  send(message: Message): void {
    if (message.method === 'notifications/cancelled') {
      const [id] = [...this.#open].find(([, { clientId }]) => clientId === message.params?.requestId) ?? [];
      if (id !== undefined) {
        this.#cancel(id, message.params);
      }
      return;
    }
    this.#child.stdin.write(`${JSON.stringify(message)}\n`);
  }

  async stop(): Promise<void> {
    this.#child.stdin.end();
    const late = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    if (this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined) {
      await once(this.#child, 'close');
    }
    clearTimeout(late);
  }

  #cancel(id: Id, params: Message['params']): void {
    const request = this.#open.get(id);
    if (request) {
      this.#open.delete(id);
      request.outlet.end();
      const notification = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { ...params, requestId: id } };
      this.#child.stdin.write(`${JSON.stringify(notification)}\n`);
    }
  }

  #receive(line: string): void {
    let message: Message;
    try {
      message = JSON.parse(line) as Message;
    } catch {
      this.#failAll(`The stdio server wrote a line that is not JSON: ${line.slice(0, 200)}`);
      return;
    }
    const id = this.#findRequest(message);
    const request = id === undefined ? undefined : this.#open.get(id);
    if (!request) {
      if (message.method !== undefined) {
        this.#deliverUnrelated(message);
      }
      return;
    }
    if (message.method === undefined) {
      this.#open.delete(id as Id);
    }
    request.outlet.write(inWordsOfClient(message, request));
  }

  /** The request that a message is about; where none is named, the last that is open. */
  #findRequest({ id, method, params }: Message): Id | undefined {
    if (method === undefined) {
      return id ?? undefined;
    }
    const named = method === 'notifications/progress' ? params?.progressToken : params?._meta?.[SUBSCRIPTION_ID];
    if (named !== undefined) {
      return named as Id;
    }
    const isAboutChanges = /list_changed$|^notifications\/resources\/updated$/.test(method);
    return isAboutChanges ? undefined : [...this.#open].findLast(([, { isSubscription }]) => !isSubscription)?.[0];
  }

  #failAll(reason: string): void {
    for (const [id, { clientId, outlet }] of [...this.#open]) {
      this.#open.delete(id);
      const message = `${reason}${this.#log && `. Its log: ${this.#log}`}`;
      outlet.write({ jsonrpc: '2.0', id: clientId, error: { code: INTERNAL_ERROR, message } });
    }
  }
}

function inWordsOfClient(message: Message, { clientId, progressToken }: OpenRequest): Message {
  const { method, params, result } = message;
  if (method === undefined) {
    return { ...message, id: clientId, ...(result && { result: withSubscriptionId(result, clientId) }) };
  }
  return method === 'notifications/progress'
    ? { ...message, params: { ...params, progressToken } }
    : { ...message, ...(params && { params: withSubscriptionId(params, clientId) }) };
}

function withSubscriptionId<T extends { _meta?: Record<string, unknown> }>(value: T, id: Id): T {
  return value._meta?.[SUBSCRIPTION_ID] === undefined
    ? value
    : { ...value, _meta: { ...value._meta, [SUBSCRIPTION_ID]: id } };
}
