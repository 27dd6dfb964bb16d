import type { AuditorService, LoggerService } from '@backstage/backend-plugin-api';
import { CallerView, type InvocationPolicy } from '@callboard/actions';
import { principalName } from '@callboard/actions-api';
import { Server } from '@modelcontextprotocol/server';
import type { ServerConfig } from '../config.js';
import type { Telemetry } from '../telemetry.js';
import type { ToolDirectory } from '../tools/ToolDirectory.js';
import { version } from '../version.js';
import { ApprovalStates } from './ApprovalStates.js';
import { handleTools } from './handleTools.js';
import type { RequestContext } from './RequestContext.js';

/** What the handlers of all servers share. */
export interface ProtocolServices {
  readonly auditor: AuditorService;
  readonly policy: InvocationPolicy;
  readonly logger: LoggerService;
  readonly telemetry: Telemetry;
}

/** One of the MCP servers of this backend: its tools, and how it presents itself. */
export class PublishedServer {
  readonly config: ServerConfig;
  readonly tools: ToolDirectory;
  readonly services: ProtocolServices;
  readonly #states: ApprovalStates;

  constructor(options: { config: ServerConfig; tools: ToolDirectory; services: ProtocolServices }) {
    this.config = options.config;
    this.tools = options.tools;
    this.services = options.services;
    const { approvals, rules } = options.services.policy;
    const { key, mode, profile, configKey } = options.config;
    this.#states = new ApprovalStates({ approvals, serverKey: key });
    rules.addServer({
      key,
      mode: mode && { value: mode, config: `${configKey}.mode` },
      profile: { value: profile, config: `${configKey}.profile` },
      publishes: { value: action => this.tools.publishes(action), config: `${configKey}.filter` },
    });
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

  /**
   * Makes the protocol's side of one connection, exchange or session, in whichever era: nothing is
   * registered per tool, so that this costs the same for one and for a thousand.
   */
  connectable(): Server {
    const { name, description, instructions } = this.config;
    const server = new Server(
      { name, version, ...(description && { description }) },
      {
        capabilities: { tools: {} },
        requestState: { verify: (state, ctx) => this.#states.verify(state, ctx) },
        ...(instructions && { instructions }),
      },
    );
    handleTools(this, server, this.#states);
    return server;
  }
}
