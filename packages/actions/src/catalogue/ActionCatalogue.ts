import type { AuthService, BackstageCredentials, LoggerService } from '@backstage/backend-plugin-api';
import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import type { LocalActions } from '../registry/localActions.js';
import { Delegations } from './Delegations.js';
import { assertMayDelegate } from './delegate.js';
import type { RemoteSource } from './RemoteSource.js';
import type { VisibleAction, VisibleActions } from './VisibleAction.js';

/** What is asked of another backend. */
type Source = Pick<RemoteSource, 'list' | 'find' | 'invoke' | 'known' | 'knownFingerprint'>;

const NO_SOURCE: Source = {
  known: [],
  knownFingerprint: '',
  list: async () => ({ descriptors: [], fingerprint: '' }),
  find: async () => undefined,
  invoke: async () => {
    throw new Error('There is nothing to call');
  },
};

/**
 * What exists, here and in other backends, seen from one plugin that lists and calls it on behalf
 * of its callers. Only the plugins of `backend.actions.pluginSources` are part of it.
 */
export class ActionCatalogue {
  readonly #auth: AuthService;
  readonly #delegations: Delegations;
  readonly #logger: LoggerService;
  readonly #sourceIds: ReadonlySet<string>;
  readonly #local: LocalActions;
  readonly #createRemote: (pluginId: string) => Source;
  readonly #remotes = new Map<string, Source>();
  /** As it was when it was last asked for. */
  #listed: VisibleActions = { descriptors: [], fingerprint: '' };
  /** As it was when it was last asked for, which is for each call. */
  readonly #fingerprint: { readonly parts: string[]; whole: string } = { parts: [], whole: '' };

  constructor(options: {
    auth: AuthService;
    logger: LoggerService;
    sourceIds: readonly string[];
    local: LocalActions;
    /** Without it, what is not in this process does not exist. */
    createRemote?: (pluginId: string) => Source;
  }) {
    this.#auth = options.auth;
    this.#delegations = new Delegations(options);
    this.#logger = options.logger;
    this.#sourceIds = new Set(options.sourceIds);
    this.#local = options.local;
    this.#createRemote = options.createRemote ?? (() => NO_SOURCE);
  }

  /** All that `credentials` may see, of all sources that answer. */
  async list(credentials: BackstageCredentials): Promise<VisibleActions> {
    const perSource = await Promise.all([...this.#sourceIds].map(pluginId => this.#listSource(pluginId, credentials)));
    const fingerprint = perSource.map(source => source.fingerprint).join('|');
    if (this.#listed.fingerprint !== fingerprint) {
      this.#listed = { fingerprint, descriptors: perSource.flatMap(({ descriptors }) => descriptors) };
    }
    return this.#listed;
  }

  /** @returns undefined if there is no such action or `credentials` may not see it. Asks only its own source. */
  async find(id: string, credentials: BackstageCredentials): Promise<VisibleAction | undefined> {
    const pluginId = id.slice(0, Math.max(0, id.indexOf(':')));
    if (!this.#sourceIds.has(pluginId)) {
      return undefined;
    }
    const local = this.#local.get(pluginId);
    if (local) {
      const home = await this.#delegated(pluginId, local.auth, credentials);
      return home && local.find(id, home);
    }
    if (!(await this.#mayDelegate(pluginId, credentials))) {
      return undefined;
    }
    const descriptor = await this.#remote(pluginId).find(id, credentials);
    return (
      descriptor && {
        descriptor,
        run: async call => ({ output: await this.#remote(pluginId).invoke(id, call, credentials) }),
      }
    );
  }

  /** Every action that is known of so far, whoever asked: what names are given over. */
  get known(): ActionsServiceAction[] {
    return [...this.#sourceIds].flatMap(
      (pluginId): readonly ActionsServiceAction[] => (this.#local.get(pluginId) ?? this.#remote(pluginId)).known,
    );
  }

  /** Changes whenever `known` does. */
  get knownFingerprint(): string {
    const { parts } = this.#fingerprint;
    let at = 0;
    let isSame = true;
    for (const pluginId of this.#sourceIds) {
      const part = (this.#local.get(pluginId) ?? this.#remote(pluginId)).knownFingerprint;
      if (part !== parts[at]) {
        isSame = false;
        parts[at] = part;
      }
      at += 1;
    }
    if (!isSame) {
      this.#fingerprint.whole = parts.join('|');
    }
    return this.#fingerprint.whole;
  }

  /** Sources in other backends, whose actions become known only by asking. */
  get remoteSourceIds(): string[] {
    return [...this.#sourceIds].filter(pluginId => !this.#local.get(pluginId));
  }

  /** Asks one source for what `credentials` may see, and so makes it known. */
  async discover(pluginId: string, credentials: BackstageCredentials): Promise<void> {
    await this.#listSource(pluginId, credentials);
  }

  async #listSource(pluginId: string, credentials: BackstageCredentials): Promise<VisibleActions> {
    const local = this.#local.get(pluginId);
    try {
      await assertMayDelegate({ auth: this.#auth, targetPluginId: pluginId, credentials });
      return await (local
        ? local.list(() => this.#delegations.to(local.auth, pluginId, credentials))
        : this.#remote(pluginId).list(credentials));
    } catch (error) {
      if ((error as Error).name !== 'NotAllowedError') {
        this.#logger.warn(`Failed to list the actions of ${pluginId}`, error as Error);
      }
      return { descriptors: [], fingerprint: `${pluginId}!` };
    }
  }

  async #mayDelegate(targetPluginId: string, credentials: BackstageCredentials): Promise<boolean> {
    try {
      await assertMayDelegate({ auth: this.#auth, targetPluginId, credentials });
      return true;
    } catch (error) {
      if ((error as Error).name === 'NotAllowedError') {
        return false;
      }
      throw error;
    }
  }

  async #delegated(
    targetPluginId: string,
    target: AuthService,
    credentials: BackstageCredentials,
  ): Promise<BackstageCredentials | undefined> {
    try {
      return await this.#delegations.to(target, targetPluginId, credentials);
    } catch (error) {
      if ((error as Error).name === 'NotAllowedError') {
        return undefined;
      }
      throw error;
    }
  }

  #remote(pluginId: string): Source {
    let remote = this.#remotes.get(pluginId);
    if (!remote) {
      remote = this.#createRemote(pluginId);
      this.#remotes.set(pluginId, remote);
    }
    return remote;
  }
}
