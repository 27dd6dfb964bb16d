/** What the package reads; the plugin checks it again at start and refuses keys that are not here. */
export interface Config {
  mcpActions?: {
    /** Name of the default server, as clients show it. Defaults to `backstage`. */
    name?: string;
    description?: string;
    /** Told to the model when a client connects to the default server. */
    instructions?: string;
    /** Whether tool names begin with the plugin's id. Defaults to true. */
    namespacedToolNames?: boolean;
    /** `dotted` (default): `plugin.action`; `safe`: only `a-z0-9_-`, at most 64 characters. */
    toolNameStyle?: 'dotted' | 'safe';
    tracing?: { capture?: { /** Puts arguments and results on spans. Defaults to false. */ toolPayload?: boolean } };
    /** Further servers at `/api/mcp-actions/v1/<key>`, each with a part of the actions. */
    servers?: {
      [key: string]: {
        name: string;
        description?: string;
        instructions?: string;
        filter?: { include?: ActionRule[]; exclude?: ActionRule[] };
      };
    };
    /** Hosts, besides that of `backend.baseUrl` and loopback names, under which the server is reached; `*` for any. */
    allowedHosts?: string[];
    /** Origins, besides that of `backend.baseUrl`, whose web pages may call the server. */
    allowedOrigins?: string[];
    /** Largest request body, in bytes. Defaults to 1048576. */
    maxRequestBodyBytes?: number;
    sessions?: {
      /** Defaults to 30. */
      idleTimeoutMinutes?: number;
      /** Sessions, and likewise HTTP+SSE streams, at a time. Defaults to 1000. */
      maxSessions?: number;
    };
  };
  backend?: {
    actions?: {
      /** Plugins whose actions are published. */
      pluginSources?: string[];
      filter?: { include?: ActionRule[]; exclude?: ActionRule[] };
      /** For plugins of `pluginSources` that run in another backend. */
      remote?: {
        /** How long a list of actions is used before it is asked for again. Defaults to 30. */
        cacheSeconds?: number;
        /** How long a list is waited for. Defaults to 5. */
        timeoutSeconds?: number;
        /** How long a call is waited for. Defaults to 300. */
        invokeTimeoutSeconds?: number;
      };
    };
  };
}

/** All conditions of a rule must hold. */
interface ActionRule {
  /** A glob over action ids, `plugin:action`. */
  id?: string;
  attributes?: { destructive?: boolean; readOnly?: boolean; idempotent?: boolean };
}
