/** What the plugin reads; it checks it again at start. */
export interface Config {
  safety?: {
    /**
     * Who may pause, resume, accept definitions and ask about others: principals, in which `*` stands for any text.
     * Defaults to `user:*`, which is every signed-in person and no service.
     */
    operators?: string[];
    /** The emergency stop. */
    pause?: {
      /** While this file exists, the server is paused. Its text is the reason; a first line `everything` or `writes` is the scope. */
      file?: string;
      /** Pauses writes at each start, until an operator resumes. Defaults to false. */
      startPaused?: boolean;
    };
    /** How much may be called. Each entry needs a rate, a concurrency or a number per day. */
    limits?: {
      /** Shown to callers who are refused. */
      name?: string;
      /** Which calls: all conditions must hold. In principals and action ids `*` stands for any text. */
      principal?: string;
      action?: string;
      /** The key of a named MCP server. */
      server?: string;
      effects?: ('read' | 'create' | 'update' | 'replace' | 'delete' | 'execute')[];
      /** What is counted apart. Defaults to `[principal]`; `[]` counts all calls together. */
      per?: ('principal' | 'action' | 'server')[];
      /** As many calls at once, which come back evenly over so many seconds. */
      rate?: { calls: number; seconds: number };
      /** Calls that are under way at the same time. */
      concurrency?: number;
      /** Calls per day, in UTC. */
      perDay?: number;
    }[];
    /** What becomes of actions that are new or changed since an operator last accepted them. Defaults to `off`. */
    pinning?: 'off' | 'warn' | 'hold';
    /** Who is told of what needs attention, besides the log. */
    alerts?: {
      webhooks?: {
        /**
         * An https URL; its path is often a secret.
         * @visibility secret
         */
        url: string;
        /**
         * `whsec_` and 24 to 64 random bytes as base64, with which messages are signed (https://www.standardwebhooks.com).
         * @visibility secret
         */
        secret: string;
        /** Defaults to all. */
        events?: (
          | 'approval_requested'
          | 'approval_approved'
          | 'approval_denied'
          | 'approval_timed_out'
          | 'paused'
          | 'resumed'
          | 'quarantined'
          | 'audit_failure'
        )[];
        /** Lets the URL be http, and its host have a private address. Defaults to false. */
        allowPrivateNetwork?: boolean;
      }[];
    };
    /** Counters for Prometheus. */
    metrics?: {
      /** Whether they can be read without signing in. Defaults to false. */
      public?: boolean;
    };
  };
}
