import { setTimeout as delay } from 'node:timers/promises';
import { modernClient, statelessClient } from './clients.mjs';
import { HttpCaller } from './HttpCaller.mjs';
import { ListenClient } from './ListenClient.mjs';
import { Phases } from './Phases.mjs';
import { SessionClient } from './SessionClient.mjs';
import { SseClient } from './SseClient.mjs';

const tickMs = 5;
const attemptLimitMs = 60_000;
/** How long a call that is refused is made again. */
const repeatLimitMs = 60_000;
const repeatAfterMs = { first: 100, most: 2_000 };
/** Calls that wait at once; beyond that no call is sent, as everything stands still. */
const mostUnderWay = 4_000;

/** Of each hundred calls. */
const defaultMix = { stateless: 40, modern: 40, session: 15, sse: 5 };
export const sourceTool = 'elsewhere.echo';
/** Each third call writes. */
const tools = ['faults.echo', 'faults.echo', 'faults.record'];
const clientCounts = { session: 12, sse: 4, listen: 6 };

/**
 * One call of the load, under an id of its own.
 *
 * @typedef {object} Call
 * @property {string} id
 * @property {string} kind
 * @property {string} tool
 * @property {'open' | 'done' | 'doubt' | 'wrong' | 'givenUp'} state
 * @property {number} refusals How often it was refused, and made again if there was time.
 * @property {number} doubts Attempts of which it is not known whether they ran.
 */

/** Sends calls at a rate of its own, whatever becomes of those before. */
export class Load {
  #http;
  #clients;
  #listeners;
  #prefix;
  #kinds;
  #remoteEvery;
  #turns = { stateless: 0, modern: 0, session: 0, sse: 0 };
  #mixed = 0;
  #sent = 0;
  #underWay = 0;
  #isStopping = false;
  #running;
  /** Calls that have their result so far. */
  answered = 0;

  /** @type {Call[]} */
  calls = [];
  /** What became of sessions and streams. */
  counts = {
    sessionsOpened: 0,
    sessionsLost: 0,
    streamsReopened: 0,
    callsResumed: 0,
    sseOpened: 0,
    sseLost: 0,
    listensOpened: 0,
    listensEnded: 0,
    listensBroken: 0,
    heldBack: 0,
  };
  /** How often which refusal or failure came. */
  details = new Map();
  phases = new Phases();

  /**
   * @param {object} options
   * @param {number} options.rate Calls a second.
   * @param {Partial<typeof defaultMix>} [options.mix]
   * @param {boolean} [options.withRemote] Whether one call in ten, besides, goes to another backend.
   */
  constructor({ port, token, prefix, rate, mix = defaultMix, withRemote = false }) {
    this.rate = rate;
    this.#prefix = prefix;
    this.#remoteEvery = withRemote ? 10 : undefined;
    this.#http = new HttpCaller({ port, token });
    const shared = { http: this.#http, counts: this.counts };
    const several = (kind, create) => (mix[kind] ? Array.from({ length: clientCounts[kind] }, create) : []);
    this.#clients = {
      stateless: [statelessClient(this.#http)],
      modern: [modernClient(this.#http)],
      session: several('session', () => new SessionClient(shared)),
      sse: several('sse', () => new SseClient(shared)),
    };
    this.#listeners = Array.from({ length: clientCounts.listen }, () => new ListenClient(shared));
    this.#kinds = spread(mix);
  }

  start() {
    for (const listener of this.#listeners) {
      listener.open();
    }
    this.#running = this.#run();
  }

  /** Sends nothing any more, and waits for what is under way. */
  async stop() {
    this.#isStopping = true;
    await this.#running;
    const deadlineMs = performance.now() + attemptLimitMs + repeatLimitMs;
    while (this.#underWay > 0 && performance.now() < deadlineMs) {
      await delay(20);
    }
    this.phases.end();
  }

  /** Makes a call of which it was found out that it did not run. */
  async makeAgain(call) {
    call.state = 'open';
    call.retries = (call.retries ?? 0) + 1;
    await this.#make(call);
  }

  close() {
    for (const client of [...Object.values(this.#clients).flat(), ...this.#listeners]) {
      client.close();
    }
    this.#http.close();
  }

  async #run() {
    const startMs = performance.now();
    let due = 0;
    while (!this.#isStopping) {
      const now = Math.floor(((performance.now() - startMs) / 1000) * this.rate);
      for (; due < now; due += 1) {
        if (this.#underWay < mostUnderWay) {
          this.#send(due);
        } else {
          this.counts.heldBack += 1;
        }
      }
      await delay(tickMs);
    }
  }

  #send(number) {
    this.#sent += 1;
    const isRemote = this.#remoteEvery !== undefined && number % this.#remoteEvery === 0;
    const kind = isRemote ? 'stateless' : this.#kinds[this.#mixed++ % this.#kinds.length];
    const call = {
      id: `${this.#prefix}-${this.#sent}`,
      kind,
      tool: isRemote ? sourceTool : tools[number % tools.length],
      state: 'open',
      refusals: 0,
      doubts: 0,
    };
    this.calls.push(call);
    void this.#make(call);
  }

  async #make(call) {
    this.#underWay += 1;
    const startMs = performance.now();
    const clients = this.#clients[call.kind];
    this.#turns[call.kind] += 1;
    const client = clients[this.#turns[call.kind] % clients.length];
    const isRemote = call.tool === sourceTool;
    this.phases.sent(isRemote);
    let pauseMs = repeatAfterMs.first;
    for (;;) {
      const { verdict, detail } = await client.attempt(
        { id: call.id, tool: call.tool, args: { id: call.id } },
        attemptLimitMs,
      );
      if (verdict !== 'done') {
        const key = `${verdict}: ${detail}`;
        this.details.set(key, (this.details.get(key) ?? 0) + 1);
      }
      if (verdict === 'done') {
        call.state = 'done';
        this.answered += 1;
        this.phases.answered(performance.now() - startMs, isRemote);
        break;
      }
      if (verdict === 'wrong') {
        call.state = 'wrong';
        break;
      }
      if (verdict === 'broken' || verdict === 'failed') {
        call.state = 'doubt';
        call.doubts += 1;
        call.how = verdict;
        if (!isRemote) {
          this.phases.failed();
        }
        break;
      }
      call.refusals += 1;
      this.phases.refused();
      if (performance.now() - startMs > repeatLimitMs) {
        call.state = 'givenUp';
        break;
      }
      await delay(pauseMs * (0.5 + Math.random()));
      pauseMs = Math.min(2 * pauseMs, repeatAfterMs.most);
    }
    this.#underWay -= 1;
  }
}

/** A list in which each kind is as often as the mix says, and evenly. */
function spread(mix) {
  const turns = Object.entries(mix).flatMap(([kind, count]) =>
    Array.from({ length: count }, (_, index) => ({ kind, at: (index + 0.5) / count })),
  );
  return turns.sort((one, other) => one.at - other.at).map(({ kind }) => kind);
}
