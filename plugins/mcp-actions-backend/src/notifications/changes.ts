import type { PublishedServer } from '../protocol/PublishedServer.js';

/** The lists of MCP of whose changes clients are told. */
export type ListKind = 'tools' | 'resources' | 'prompts';

/** What has changed within a short time. */
export interface Changes {
  /** The lists of a server that may have changed, for whoever may see them. */
  listsOf(server: PublishedServer): readonly ListKind[];
  /** URIs of resources whose contents have changed. */
  readonly resources: readonly string[];
}

/** Clients that are told of changes. */
export interface ChangeAudience {
  tell(changes: Changes): Promise<void>;
}
