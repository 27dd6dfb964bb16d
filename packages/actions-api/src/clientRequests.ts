import type { JsonObject } from '@backstage/types';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ActionSchema } from './actionsRegistry.js';

/** What the client of a call can be asked for; all false at doors that have no MCP client behind them. */
export interface ClientAbilities {
  /** A person fills in a form in the client (MCP, elicitation in form mode). */
  readonly elicitForm: boolean;
  /** A person opens a page of ours (MCP, elicitation in URL mode). */
  readonly elicitUrl: boolean;
  /** The client's model answers (MCP, sampling; deprecated in 2026-07-28). */
  readonly sample: boolean;
  /** The client says which folders it works in (MCP, roots; deprecated in 2026-07-28). */
  readonly listRoots: boolean;
}

/** A request to the client, as MCP words it. */
export type ClientRequest =
  | {
      method: 'elicitation/create';
      params:
        | { mode?: 'form'; message: string; requestedSchema: JsonObject }
        | { mode: 'url'; message: string; url: string };
    }
  | { method: 'sampling/createMessage'; params: JsonObject }
  | { method: 'roots/list'; params?: JsonObject };

/** How a person answered; `content` only with `accept` of a form. */
export interface ElicitAnswer<TContent = JsonObject> {
  readonly action: 'accept' | 'decline' | 'cancel';
  readonly content?: TContent;
}

/** What the client answers to a request of the method, as MCP words it. */
export type ClientResponse<TRequest extends ClientRequest> = TRequest['method'] extends 'elicitation/create'
  ? ElicitAnswer
  : JsonObject;

export const logLevels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const;
/** From the least to the most severe (RFC 5424). */
export type LogLevel = (typeof logLevels)[number];

/**
 * The client behind a call: what a handler can tell it while it runs, and ask of it and of the person
 * at it. The same on every transport and in both protocol eras; where there is no such client,
 * telling does nothing and asking is refused.
 */
export interface CallClient {
  readonly can: ClientAbilities;
  /**
   * Asks the person at the client to fill in a form: a flat object of texts, numbers, booleans and
   * enumerations. Never ask for secrets here; they would pass through the model's client.
   *
   * @throws ClientCapabilityError if the client cannot be asked.
   * @throws InputError if what was filled in does not fit the schema.
   */
  elicit<TSchema extends ActionSchema>(question: {
    message: string;
    schema: TSchema;
  }): Promise<ElicitAnswer<StandardSchemaV1.InferOutput<TSchema>>>;
  /**
   * Makes several requests at once, each under a name, and waits for all answers. A person may take
   * minutes; the call's time-out does not run meanwhile.
   *
   * @throws ClientCapabilityError if the client lacks the capability for one of them, or answers one
   * with an error.
   * @throws InputError if an answer has not the shape that the request calls for.
   * @throws ActionTimeoutError if the client does not answer in time.
   */
  ask<TRequests extends Record<string, ClientRequest>>(
    requests: TRequests,
  ): Promise<{ [TName in keyof TRequests]: ClientResponse<TRequests[TName]> }>;
  /** Says how far the call is, if the client wants to know. `progress` must grow from one to the next. */
  reportProgress(progress: { progress: number; total?: number; message?: string }): void;
  /** Sends a log message to the client, if it wants messages of this level. Never secrets. */
  log(level: LogLevel, data: unknown, logger?: string): void;
}
