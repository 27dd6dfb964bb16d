import { elicitForm } from '@callboard/actions';
import {
  type CallClient,
  type ClientAbilities,
  ClientCapabilityError,
  type ClientRequest,
  type ClientResponse,
} from '@callboard/actions-api';
import type { ClientCapabilities } from '@modelcontextprotocol/server';
import type { ClientNotices } from './ClientNotices.js';
import { abilitiesOf, findMissing } from './capabilities.js';

export type ClientRequests = Readonly<Record<string, ClientRequest>>;

/** Brings checked requests to a client, and its checked answers back. */
export type Asker = (requests: ClientRequests) => Promise<Record<string, unknown>>;

const METHODS: readonly ClientRequest['method'][] = ['elicitation/create', 'sampling/createMessage', 'roots/list'];

/** The client of a call that came over MCP, in either era. */
export class McpCallClient implements CallClient {
  readonly #capabilities: () => ClientCapabilities | undefined;
  readonly #notices: ClientNotices;
  readonly #asker: Asker;

  constructor(options: {
    /** What the client says of itself; in the 2026 era, with each request. */
    capabilities: () => ClientCapabilities | undefined;
    notices: ClientNotices;
    asker: Asker;
  }) {
    this.#capabilities = options.capabilities;
    this.#notices = options.notices;
    this.#asker = options.asker;
  }

  get can(): ClientAbilities {
    return abilitiesOf(this.#capabilities());
  }

  elicit: CallClient['elicit'] = question => elicitForm(this, question);

  async ask<TRequests extends Record<string, ClientRequest>>(requests: TRequests) {
    for (const [key, request] of Object.entries(requests)) {
      const { method } = request;
      if (!METHODS.includes(method) || key === '__proto__') {
        throw new TypeError(
          `The request "${key}" to the client: expected a method of ${METHODS.join(', ')}, got "${method}"`,
        );
      }
      if (method === 'elicitation/create' && request.params.mode === 'url' && !isWebAddress(request.params.url)) {
        throw new TypeError(`The request "${key}" to the client: expected an http or https URL`);
      }
    }
    assertCanBeAsked(requests, this.#capabilities());
    const answers = Object.keys(requests).length > 0 ? await this.#asker(requests) : {};
    return answers as { [TName in keyof TRequests]: ClientResponse<TRequests[TName]> };
  }

  reportProgress: CallClient['reportProgress'] = progress => this.#notices.progress(progress);

  log: CallClient['log'] = (level, data, logger) => this.#notices.log(level, data, logger);
}

/** @throws ClientCapabilityError if the client lacks the capability for one of the requests. */
export function assertCanBeAsked(requests: ClientRequests, capabilities: ClientCapabilities | undefined): void {
  const missing = findMissing(Object.values(requests), capabilities);
  if (missing) {
    const names = Object.keys(missing).map(name => describe(name, missing));
    throw new ClientCapabilityError(`The client cannot be asked: it does not support ${names.join(' and ')}`, missing);
  }
}

/** A person opens it in a browser (MCP 2025-11-25, URL mode elicitation requests). */
function isWebAddress(url: unknown): boolean {
  return typeof url === 'string' && URL.canParse(url) && ['http:', 'https:'].includes(new URL(url).protocol);
}

function describe(name: string, missing: Record<string, unknown>): string {
  const parts = Object.keys(missing[name] as object);
  return parts.length > 0 ? `${name} (${parts.join(', ')})` : name;
}
