import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import type { ContentAnnotations } from './content.js';

/**
 * What a resource or a prompt adds to its descriptor. Both are described as actions that read, with
 * ids `plugin:resource:name` and `plugin:prompt:name`, so that every rule that goes by an action
 * holds for them.
 */
export type OfferedAction = ActionsServiceAction & {
  readonly resource?: {
    /** One of the two. */
    readonly uri?: string;
    readonly uriTemplate?: string;
    readonly mimeType?: string;
    readonly size?: number;
    readonly annotations?: ContentAnnotations;
  };
  readonly prompt?: {
    readonly exactName?: string;
    readonly arguments: readonly {
      readonly name: string;
      readonly title?: string;
      readonly description?: string;
      readonly required: boolean;
    }[];
  };
};

/** What an action with a tool name of its own adds to its descriptor. */
export type NamedAction = ActionsServiceAction & { readonly toolName?: string };
