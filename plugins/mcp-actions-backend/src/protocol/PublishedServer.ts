import type { AuditorService, LoggerService } from '@backstage/backend-plugin-api';
import { CallerView, type InvocationPolicy } from '@callboard/actions';
import { type OfferedAction, principalName } from '@callboard/actions-api';
import type { Implementation, Server } from '@modelcontextprotocol/server';
import { CompletionRate } from '../completion/CompletionRate.js';
import { handleCompletion } from '../completion/handleCompletion.js';
import type { ServerConfig } from '../config.js';
import { ToolSearch } from '../discovery/ToolSearch.js';
import type { OutputStore } from '../outputs/OutputStore.js';
import { findKeptOutput } from '../outputs/readOutput.js';
import { handlePrompts } from '../prompts/handlePrompts.js';
import type { PromptDirectory } from '../prompts/PromptDirectory.js';
import { handleResources } from '../resources/handleResources.js';
import type { ResourceDirectory } from '../resources/ResourceDirectory.js';
import { ResourceSubscriptions } from '../resources/ResourceSubscriptions.js';
import type { Telemetry } from '../telemetry.js';
import type { ToolDirectory } from '../tools/ToolDirectory.js';
import { version } from '../version.js';
import { CallStates } from './CallStates.js';
import { CheckingServer } from './CheckingServer.js';
import type { CallRelay } from './client/CallRelay.js';
import { LogLevels } from './client/LogLevels.js';
import type { SuspendedCalls } from './client/SuspendedCalls.js';
import { handleTools } from './handleTools.js';
import type { RequestContext } from './RequestContext.js';

/** What the handlers of all servers share. */
export interface ProtocolServices {
  readonly auditor: AuditorService;
  readonly policy: InvocationPolicy;
  readonly logger: LoggerService;
  readonly telemetry: Telemetry;
  /** Outputs that were too long for their results. */
  readonly outputs: OutputStore;
  readonly suspendedCalls: SuspendedCalls;
  /** Takes them up, on whichever replica they wait. */
  readonly callRelay: CallRelay;
}

/** One of the MCP servers of this backend: its tools, and how it presents itself. */
export class PublishedServer {
  readonly config: ServerConfig;
  readonly tools: ToolDirectory;
  readonly resources: ResourceDirectory;
  readonly prompts: PromptDirectory;
  readonly search = new ToolSearch();
  readonly services: ProtocolServices;
  readonly states: CallStates;
  readonly logLevels = new LogLevels();
  readonly completionRate = new CompletionRate();
  readonly #subscriptions = new WeakMap<Server, ResourceSubscriptions>();

  constructor(options: {
    config: ServerConfig;
    tools: ToolDirectory;
    resources: ResourceDirectory;
    prompts: PromptDirectory;
    services: ProtocolServices;
  }) {
    this.config = options.config;
    this.tools = options.tools;
    this.resources = options.resources;
    this.prompts = options.prompts;
    this.services = options.services;
    if (options.config.maxOutputCharacters !== undefined) {
      this.resources.addOwn((uri, context) => findKeptOutput(this, uri, context));
    }
    const { approvals, rules } = options.services.policy;
    const { key, mode, profile, configKey, enabledTools } = options.config;
    this.states = new CallStates({ approvals, serverKey: key });
    rules.addServer({
      key,
      mode: mode && { value: mode, config: `${configKey}.mode` },
      profile: { value: profile, config: `${configKey}.profile` },
      publishes: {
        value: action => this.publishes(action),
        config: enabledTools ? `${configKey}.filter or .enabledTools` : `${configKey}.filter`,
      },
    });
  }

  /** Whether an action, a resource or a prompt is published, to those who may see it. */
  publishes(action: OfferedAction): boolean {
    return (action.resource ? this.resources : action.prompt ? this.prompts : this.tools).publishes(action);
  }

  /** The resources of whose changes a connection wants to hear. */
  subscriptionsOf(protocol: Server): ResourceSubscriptions {
    let subscriptions = this.#subscriptions.get(protocol);
    if (!subscriptions) {
      subscriptions = new ResourceSubscriptions();
      this.#subscriptions.set(protocol, subscriptions);
    }
    return subscriptions;
  }

  /** What rules leave for a caller of the actions that they may see. */
  viewOf({ credentials, grant, profile }: RequestContext): CallerView {
    return new CallerView({
      ...this.services.policy,
      caller: {
        principal: principalName(credentials),
        clientId: grant?.clientId,
        door: 'mcp',
        server: this.config.key,
        scopes: grant?.scopes,
        ...(profile !== undefined && { profile }),
      },
    });
  }

  /** Who it says it is. */
  get info(): Implementation {
    const { name, description } = this.config;
    return { name, version, ...(description && { description }) };
  }

  /**
   * Makes the protocol's side of one connection, exchange or session, in whichever era: nothing is
   * registered per tool, so that this costs the same for one and for a thousand.
   */
  connectable(): Server {
    const { instructions } = this.config;
    const hasResources = this.resources.hasAny;
    const hasPrompts = this.prompts.size > 0;
    const server = new CheckingServer(this.info, {
      capabilities: {
        tools: { listChanged: true },
        logging: {},
        ...(hasResources && { resources: { subscribe: true, listChanged: true } }),
        ...(hasPrompts && { prompts: { listChanged: true } }),
        ...((hasResources || hasPrompts) && { completions: {} }),
      },
      requestState: { verify: (state, ctx) => this.states.verify(state, ctx) },
      ...(instructions && { instructions }),
    });
    handleTools(this, server);
    if (hasResources) {
      handleResources(this, server);
    }
    if (hasPrompts) {
      handlePrompts(this, server);
    }
    if (hasResources || hasPrompts) {
      handleCompletion(this, server);
    }
    this.logLevels.serve(server);
    return server;
  }
}
