/** What the plugin reads; it checks it again at start. */
export interface Config {
  approvals?: {
    /**
     * Who may decide: principals, `*` for any text. Services and static tokens decide only where they are listed.
     * Defaults to `user:*`.
     */
    approvers?: string[];
    /** Whether people may decide about their own requests, on the page only. Defaults to false. */
    selfApproval?: boolean;
    /** 1 to 10000; defaults to 50. */
    maxPendingPerPrincipal?: number;
    /** How long what is over is kept, 1 to 3650; defaults to 30. */
    keepDays?: number;
  };
}
