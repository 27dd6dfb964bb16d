import type {
  AuthService,
  BackstageCredentials,
  LoggerService,
  PermissionsService,
} from '@backstage/backend-plugin-api';
import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import { AuthorizeResult } from '@backstage/plugin-permission-common';
import type { VisibleAction, VisibleActions } from '../catalogue/VisibleAction.js';
import { HandlerCall } from './HandlerCall.js';
import type { RegisteredAction } from './prepareAction.js';

/**
 * The actions that one plugin of this process has registered. Credentials given to it are those
 * that the plugin itself would see.
 */
export class PluginActions {
  readonly pluginId: string;
  readonly auth: AuthService;
  readonly #permissions: PermissionsService;
  readonly #logger: LoggerService;
  readonly #isPublished: (action: ActionsServiceAction) => boolean;
  readonly #check: (action: ActionsServiceAction) => void;
  readonly #label: string;
  readonly #registeredIds = new Set<string>();
  readonly #refused = new Map<string, string>();
  readonly #published = new Map<string, RegisteredAction>();
  #known: ActionsServiceAction[] = [];
  #version = 0;
  #fingerprint = '';

  constructor(options: {
    pluginId: string;
    auth: AuthService;
    permissions: PermissionsService;
    logger: LoggerService;
    /** Whether configuration lets an action of this plugin out. */
    isPublished: (action: ActionsServiceAction) => boolean;
    /** Told of what is about to be let out; what it throws, `add` throws. */
    check?: (action: ActionsServiceAction) => void;
    /** How messages call what is kept here. */
    label?: string;
  }) {
    this.pluginId = options.pluginId;
    this.auth = options.auth;
    this.#permissions = options.permissions;
    this.#logger = options.logger;
    this.#isPublished = options.isPublished;
    this.#check = options.check ?? (() => {});
    this.#label = options.label ?? 'Action';
  }

  /** @throws Error if the id is taken, or what a check of all actions throws. */
  add(action: RegisteredAction): void {
    const { id } = action.descriptor;
    this.assertFree(id);
    this.#registeredIds.add(id);
    if (this.#isPublished(action.descriptor)) {
      this.#check(action.descriptor);
      this.#published.set(id, action);
      this.#known = [...this.#known, action.descriptor];
    }
    this.#version += 1;
    this.#fingerprint = `${this.pluginId}@${this.#version}`;
  }

  /** @throws Error if the id is taken. */
  assertFree(id: string): void {
    if (this.#registeredIds.has(id)) {
      throw new Error(`${this.#label} with id "${id}" is already registered`);
    }
  }

  refuse(id: string, reason: string): void {
    this.#refused.set(id, reason);
    this.#logger.error(`${this.#label} "${id}" is not published: ${reason}`);
  }

  get refused(): { id: string; reason: string }[] {
    return [...this.#refused].map(([id, reason]) => ({ id, reason }));
  }

  /** What configuration lets out, whoever asks. */
  get known(): readonly ActionsServiceAction[] {
    return this.#known;
  }

  /** Changes whenever `known` does. */
  get knownFingerprint(): string {
    return this.#fingerprint;
  }

  /** As it was registered, whoever asks; `left-out` if configuration does not let it out. */
  lookUp(id: string): RegisteredAction | 'left-out' | undefined {
    return this.#published.get(id) ?? (this.#registeredIds.has(id) ? 'left-out' : undefined);
  }

  /** @param credentials - asked for only if an action needs a permission to be seen. */
  async list(credentials: () => Promise<BackstageCredentials>): Promise<VisibleActions> {
    const published = [...this.#published.values()];
    if (!published.some(action => action.visibilityPermission)) {
      return { descriptors: this.#known, fingerprint: this.knownFingerprint };
    }
    const visible = await this.#withoutForbidden(published, await credentials());
    const hidden = published.filter(action => !visible.includes(action)).map(({ descriptor }) => descriptor.name);
    return {
      descriptors: visible.map(({ descriptor }) => descriptor),
      fingerprint: `${this.knownFingerprint}-${hidden.join(',')}`,
    };
  }

  /** @returns undefined if there is no such action or the caller may not see it. */
  async find(id: string, credentials: BackstageCredentials): Promise<VisibleAction | undefined> {
    const action = this.#published.get(id);
    if (!action) {
      return undefined;
    }
    if (action.visibilityPermission && (await this.#withoutForbidden([action], credentials)).length === 0) {
      return undefined;
    }
    const { preview, textView, timeoutSeconds, complete, listInstances } = action;
    return {
      descriptor: action.descriptor,
      checks: action.checks,
      ...(action.effect && { effect: action.effect }),
      ...(preview && { preview: run => preview(new HandlerCall(run, { credentials, logger: this.#logger })) }),
      ...(textView && { textView }),
      ...(timeoutSeconds !== undefined && { timeoutSeconds }),
      ...(complete && { complete: request => complete(request, { credentials, logger: this.#logger }) }),
      ...(listInstances && { listInstances: signal => listInstances(signal, { credentials, logger: this.#logger }) }),
      run: async run => {
        const { output, content } =
          (await action.handler(new HandlerCall(run, { credentials, logger: this.#logger }))) ?? {};
        return { output, ...(content && { content }) };
      },
    };
  }

  async #withoutForbidden(actions: RegisteredAction[], credentials: BackstageCredentials): Promise<RegisteredAction[]> {
    const guarded = actions.flatMap(action =>
      action.visibilityPermission ? [{ action, permission: action.visibilityPermission }] : [],
    );
    const decisions = await this.#permissions.authorize(
      guarded.map(({ permission }) => ({ permission })),
      { credentials },
    );
    const forbidden = new Set(
      guarded.flatMap(({ action }, index) => (decisions[index]?.result === AuthorizeResult.ALLOW ? [] : [action])),
    );
    return actions.filter(action => !forbidden.has(action));
  }
}
