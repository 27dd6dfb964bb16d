import { createHash } from 'node:crypto';
import type { AuthService, BackstageCredentials, DiscoveryService, LoggerService } from '@backstage/backend-plugin-api';
import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import { NotFoundError, ResponseError, ServiceUnavailableError } from '@backstage/errors';
import { actionEffects, type ClassedAction, effectOf } from '@callboard/actions-api';
import * as z from 'zod';
import { toAbortSignal } from '../CallSignal.js';
import type { ActionsConfig } from '../config.js';
import type { ActionRun, VisibleActions } from './VisibleAction.js';

const MAX_PRINCIPALS = 1_000;
const RETRY_AFTER_MS = { first: 1_000, most: 60_000 };

const jsonSchemaSchema = z.record(z.string(), z.unknown());
const answerSchema = z.object({
  actions: z.array(
    z.looseObject({
      id: z.string(),
      pluginId: z.string(),
      name: z.string(),
      title: z.string(),
      description: z.string(),
      schema: z.looseObject({
        input: jsonSchemaSchema,
        output: jsonSchemaSchema,
        secrets: jsonSchemaSchema.optional(),
      }),
      attributes: z.looseObject({ readOnly: z.boolean(), destructive: z.boolean(), idempotent: z.boolean() }),
      effect: z.enum([...actionEffects, 'by-input']).optional(),
      capability: z.string().max(256).optional(),
      toolName: z
        .string()
        .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/)
        .optional(),
    }),
  ),
});

/** What a source last answered to one principal. */
interface Snapshot {
  actions: VisibleActions;
  freshUntilMs: number;
  refreshing: Promise<void> | undefined;
  failures: number;
}

/**
 * The actions of a plugin in another backend. Lists are kept per principal, because the source
 * leaves out what that principal may not see; a list past its time is still answered while a new
 * one is fetched. A source that fails is asked again later, and not waited for in the meantime.
 */
export class RemoteSource {
  readonly pluginId: string;
  readonly #auth: AuthService;
  readonly #discovery: DiscoveryService;
  readonly #logger: LoggerService;
  readonly #remote: ActionsConfig['remote'];
  readonly #isIncluded: (action: ActionsServiceAction) => boolean;
  readonly #onChange: () => void;
  readonly #nowMs: () => number;
  readonly #snapshots = new Map<string, Snapshot>();
  #isUp: boolean | undefined;
  #knownVersion = 0;
  #knownFingerprint = '';

  constructor(options: {
    pluginId: string;
    auth: AuthService;
    discovery: DiscoveryService;
    logger: LoggerService;
    remote: ActionsConfig['remote'];
    isIncluded: (action: ActionsServiceAction) => boolean;
    /** Told when the source shows a principal something else than it did before. */
    onChange?: () => void;
    nowMs?: () => number;
  }) {
    this.pluginId = options.pluginId;
    this.#auth = options.auth;
    this.#discovery = options.discovery;
    this.#logger = options.logger;
    this.#remote = options.remote;
    this.#isIncluded = options.isIncluded;
    this.#onChange = options.onChange ?? (() => {});
    this.#nowMs = options.nowMs ?? Date.now;
  }

  /** Waits for the source only while nothing is known of it; never throws for a source that is away. */
  async list(credentials: BackstageCredentials): Promise<VisibleActions> {
    const snapshot = this.#snapshotOf(this.#remotePrincipal(credentials));
    const refreshing = this.#refreshIfDue(snapshot, credentials);
    if (snapshot.actions === NOTHING_YET && snapshot.failures === 0) {
      await refreshing;
    }
    return snapshot.actions;
  }

  /**
   * Looks an action up for a call. What the call may do is decided by its definition, so that an
   * older one than `cacheSeconds` will not do: the source is waited for.
   *
   * @throws ServiceUnavailableError if the source does not say how it defines an action that is more
   * than a read.
   */
  async find(id: string, credentials: BackstageCredentials): Promise<ActionsServiceAction | undefined> {
    const snapshot = this.#snapshotOf(this.#remotePrincipal(credentials));
    await this.#refreshIfDue(snapshot, credentials);
    const action = snapshot.actions.descriptors.find(descriptor => descriptor.id === id);
    if (action && snapshot.failures > 0 && effectOf(action) !== 'read') {
      throw new ServiceUnavailableError(
        `Action source "${this.pluginId}" does not say how it defines "${id}" now; until it does, only its reads can be called`,
      );
    }
    return action;
  }

  /** Every action that any principal has been shown. */
  get known(): ActionsServiceAction[] {
    const all = [...this.#snapshots.values()].flatMap(({ actions }) => actions.descriptors);
    return [...new Map(all.map(action => [action.id, action])).values()];
  }

  /** Changes whenever `known` may have. */
  get knownFingerprint(): string {
    return this.#knownFingerprint;
  }

  async invoke(
    id: string,
    { input, secrets, signal }: Pick<ActionRun, 'input' | 'secrets' | 'signal'>,
    credentials: BackstageCredentials,
  ): Promise<unknown> {
    const version = secrets ? 'v2' : 'v1';
    const answer = await this.#request(`/${version}/actions/${encodeURIComponent(id)}/invoke`, credentials, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(secrets ? { input, secrets } : (input ?? {})),
      signal: AbortSignal.any([toAbortSignal(signal), AbortSignal.timeout(this.#remote.invokeTimeoutSeconds * 1000)]),
    }).catch(error => {
      // A caller who left is no source that is away.
      signal.throwIfAborted();
      throw error;
    });
    const { output } = JSON.parse(answer) as { output: unknown };
    return output;
  }

  #refreshIfDue(snapshot: Snapshot, credentials: BackstageCredentials): Promise<void> | undefined {
    if (this.#nowMs() >= snapshot.freshUntilMs) {
      snapshot.refreshing ??= this.#refresh(snapshot, credentials).finally(() => {
        snapshot.refreshing = undefined;
      });
    }
    return snapshot.refreshing;
  }

  async #refresh(snapshot: Snapshot, credentials: BackstageCredentials): Promise<void> {
    try {
      const actions = await this.#fetchList(credentials);
      this.#show(snapshot, actions);
      snapshot.failures = 0;
      snapshot.freshUntilMs = this.#nowMs() + this.#remote.cacheSeconds * 1000;
      this.#report(
        true,
        `Action source "${this.pluginId}" answers with ${snapshot.actions.descriptors.length} actions`,
      );
    } catch (error) {
      if (isRefusal(error)) {
        // The source answers, and no longer shows this principal anything.
        this.#show(snapshot, { descriptors: [], fingerprint: `${this.pluginId}!` });
      }
      const waitMs = Math.min(RETRY_AFTER_MS.first * 2 ** snapshot.failures, RETRY_AFTER_MS.most);
      snapshot.failures += 1;
      snapshot.freshUntilMs = this.#nowMs() + waitMs;
      this.#report(false, `Failed to fetch actions from ${this.pluginId}: ${describe(error)}`);
    }
  }

  #show(snapshot: Snapshot, actions: VisibleActions): void {
    if (actions.fingerprint === snapshot.actions.fingerprint) {
      return;
    }
    // Whoever asks for the first time waits for the answer; nobody has been shown another one.
    const isFirst = snapshot.actions === NOTHING_YET && snapshot.failures === 0;
    snapshot.actions = actions;
    this.#changeKnown();
    if (!isFirst) {
      this.#onChange();
    }
  }

  async #fetchList(credentials: BackstageCredentials): Promise<VisibleActions> {
    const answer = await this.#request('/v1/actions', credentials, {
      signal: AbortSignal.timeout(this.#remote.timeoutSeconds * 1000),
    });
    const { actions } = answerSchema.parse(JSON.parse(answer)) as { actions: ActionsServiceAction[] };
    return {
      descriptors: actions.map(asStrictest).filter(action => this.#isOwn(action) && this.#isIncluded(action)),
      fingerprint: `${this.pluginId}#${createHash('sha256').update(answer).digest('base64url').slice(0, 16)}`,
    };
  }

  /** Names and audit trails go by these fields, so a source may not borrow another plugin's. */
  #isOwn({ id, pluginId, name }: ActionsServiceAction): boolean {
    return pluginId === this.pluginId && id === `${pluginId}:${name}`;
  }

  /**
   * @returns the body of the answer.
   * @throws ResponseError for an error answer, ServiceUnavailableError for none or half of one.
   */
  async #request(path: string, credentials: BackstageCredentials, init: RequestInit): Promise<string> {
    const { token } = await this.#auth.getPluginRequestToken({
      onBehalfOf: credentials,
      targetPluginId: this.pluginId,
    });
    const baseUrl = await this.#discovery.getBaseUrl(this.pluginId);
    let response: Response;
    try {
      response = await fetch(`${baseUrl}/.backstage/actions${path}`, {
        ...init,
        headers: { ...init.headers, ...(token && { Authorization: `Bearer ${token}` }) },
      });
      if (response.ok) {
        return await response.text();
      }
    } catch (error) {
      throw new ServiceUnavailableError(`Action source "${this.pluginId}" does not answer (${describe(error)})`);
    }
    throw await ResponseError.fromResponse(response);
  }

  #snapshotOf(key: string): Snapshot {
    let snapshot = this.#snapshots.get(key);
    if (snapshot) {
      // Kept in the order of use, so that the first is the one unused for longest.
      this.#snapshots.delete(key);
    } else {
      snapshot = { actions: NOTHING_YET, freshUntilMs: 0, refreshing: undefined, failures: 0 };
    }
    this.#snapshots.set(key, snapshot);
    if (this.#snapshots.size > MAX_PRINCIPALS) {
      const [oldest] = this.#snapshots.keys();
      this.#snapshots.delete(oldest as string);
      this.#changeKnown();
    }
    return snapshot;
  }

  #changeKnown(): void {
    this.#knownVersion += 1;
    this.#knownFingerprint = `${this.pluginId}~${this.#knownVersion}`;
  }

  /** Every service reaches the source as the calling plugin, so they share one list. */
  #remotePrincipal(credentials: BackstageCredentials): string {
    if (this.#auth.isPrincipal(credentials, 'user')) {
      return credentials.principal.userEntityRef;
    }
    return this.#auth.isPrincipal(credentials, 'none') ? 'none' : 'service';
  }

  /** Says once that a source came or went, rather than on every list. */
  #report(isUp: boolean, message: string): void {
    if (this.#isUp === isUp) {
      return;
    }
    this.#isUp = isUp;
    if (isUp) {
      this.#logger.info(message);
    } else {
      this.#logger.warn(message);
    }
  }
}

/** A source that says two things of an action is taken at the worse; whose input decides may do anything. */
function asStrictest(action: ClassedAction): ClassedAction {
  const { effect, ...rest } = action;
  const { readOnly, destructive } = action.attributes;
  const isContradiction = effect === 'read' && (destructive || !readOnly);
  return isContradiction || effect === undefined
    ? rest
    : { ...rest, effect: effect === 'by-input' ? 'execute' : effect };
}

function isRefusal(error: unknown): boolean {
  return [401, 403].includes((error as { statusCode?: number }).statusCode ?? 0);
}

const NOTHING_YET: VisibleActions = { descriptors: [], fingerprint: '' };

function describe(error: unknown): string {
  if (error instanceof z.ZodError) {
    return `the answer is no list of actions: ${z.prettifyError(error).split('\n').slice(0, 4).join(' ')}`;
  }
  if (error instanceof NotFoundError || (error as Error)?.name === 'ResponseError') {
    return (error as Error).message;
  }
  const cause = (error as { cause?: { code?: string } })?.cause;
  return cause?.code ?? (error as Error)?.message ?? String(error);
}
