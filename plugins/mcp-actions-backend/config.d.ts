/** What the package reads; the plugin checks it again at start and refuses keys that are not here. */
export interface Config {
  mcpActions?: {
    /** Name of the default server, as clients show it. Defaults to `backstage`. */
    name?: string;
    description?: string;
    /** Told to the model when a client connects to the default server. */
    instructions?: string;
    /**
     * What calls through the default server may do; the strictest of this, `backend.actions.mode` and
     * rules for callers holds. Without it, only those count.
     */
    mode?: SafetyMode;
    /** The capabilities of callers of the default server. Defaults to `agent`. */
    profile?: string;
    /** `exact`: an action that declares a tool name of its own has just that. Defaults to `plugin`. */
    toolNames?: 'plugin' | 'exact';
    /** Tools that the server publishes, by name; `*` stands for any text. Without it, all. */
    enabledTools?: string[];
    /** Prompts that the server publishes, by name. */
    enabledPrompts?: string[];
    /** Resources that the server publishes, by URI or URI template. */
    enabledResources?: string[];
    /** `search`: three tools that find, describe and call the others. Defaults to `full`. */
    discovery?: 'full' | 'search';
    /** Entries per page of a list; without it a list is one page. */
    pageSize?: number;
    /** Characters of JSON after which an output is cut. Without it, none is. */
    maxOutputCharacters?: number;
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
        mode?: SafetyMode;
        /** Defaults to `agent`. */
        profile?: string;
        /** These are as for the default server. */
        toolNames?: 'plugin' | 'exact';
        enabledTools?: string[];
        enabledPrompts?: string[];
        enabledResources?: string[];
        discovery?: 'full' | 'search';
        pageSize?: number;
        maxOutputCharacters?: number;
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
    streams?: {
      /** After so long without a byte a comment is sent. Defaults to 15. */
      keepAliveSeconds?: number;
      /** Events kept per session for clients that lost their stream. Defaults to 256. */
      replayEvents?: number;
      /** After so long a client that lost its stream tries again. Defaults to 1000. */
      retryMilliseconds?: number;
    };
    secrets?: {
      /** Users who may enter secrets for calls of callers who are no users, such as static tokens. */
      users?: string[];
      /** How long a page waits for secrets, and secrets for the call to be made again. Defaults to 15. */
      lifetimeMinutes?: number;
    };
  };
  backend?: {
    actions?: {
      /** Plugins whose actions are published. */
      pluginSources?: string[];
      filter?: { include?: ActionRule[]; exclude?: ActionRule[] };
      /** What calls may do, at every door. Defaults to `safe`. */
      mode?: SafetyMode;
      /** What this deployment is called where people approve calls. Without it, what `backend.baseUrl` says. */
      environment?: string;
      /** Profiles besides, or in place of, `agent`, `operator`, `readonly` and `admin`. */
      profiles?: {
        [key: string]: {
          /** Such as `actions:read`, `approvals:*` or `*`. */
          capabilities: string[];
          filter?: { include?: ActionRule[]; exclude?: ActionRule[] };
        };
      };
      /** Narrows what some callers may do; all conditions of a rule must hold, all rules that fit apply. */
      callers?: {
        /** Such as `user:default/*` or `ci`, the subject of a token; `*` stands for any text. */
        principal?: string;
        /** The id of an OAuth client. */
        client?: string;
        door?: 'mcp' | 'http' | 'in-process';
        /** The broadest scope of the access token. */
        scope?: 'actions:read' | 'actions:write' | 'actions:destructive';
        mode?: SafetyMode;
        profile?: string;
      }[];
      /** How long a call may take whose action does not say. Defaults to 300. */
      timeoutSeconds?: number;
      approval?: {
        /** Whether the person at the caller's own client may approve. Defaults to true. */
        elicitation?: boolean;
        /** How long a call waits for approval, and then for being made again. Defaults to 60. */
        lifetimeMinutes?: number;
      };
      /** The processes of one deployment, if there is more than one. */
      replicas?: {
        /**
         * The address of the Redis that they share, `redis:` or `rediss:`. Absent: the process is on its own.
         *
         * @visibility secret
         */
        redis?: string;
        /** Begins all keys and channels there; another one for each deployment. Defaults to callboard. */
        prefix?: string;
        /**
         * The same in all replicas, at least 32 characters. Absent: the key of the approvals in the database.
         *
         * @visibility secret
         */
        secret?: string;
      };
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

type SafetyMode = 'read_only' | 'safe' | 'delete_safe' | 'full_access';

/** All conditions of a rule must hold. */
interface ActionRule {
  /** A glob over action ids, `plugin:action`. */
  id?: string;
  attributes?: { destructive?: boolean; readOnly?: boolean; idempotent?: boolean };
}
