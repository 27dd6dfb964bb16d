import { type BackstageCredentials, createServiceRef, type LoggerService } from '@backstage/backend-plugin-api';
import type { BasicPermission } from '@backstage/plugin-permission-common';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ActionCallInfo } from './actionGates.js';
import type { ActionSchema } from './actionsRegistry.js';
import type { CallClient } from './clientRequests.js';
import type { ContentBlock } from './content.js';

/** What a prompt's `get` is given. */
export interface PromptContext<TArguments> {
  /** Checked against the schema, with its defaults and transforms applied. */
  arguments: TArguments;
  logger: LoggerService;
  /** Whom the prompt is made for, as the prompt's own plugin sees them. */
  credentials: BackstageCredentials;
  signal: AbortSignal;
  call: ActionCallInfo;
  client: CallClient;
}

export interface PromptMessage {
  role: 'user' | 'assistant';
  content: ContentBlock;
}

type InferArguments<TSchema> = TSchema extends ActionSchema
  ? StandardSchemaV1.InferOutput<TSchema>
  : Record<string, never>;

/** A prompt (MCP 2025-11-25, server/prompts). */
export interface PromptOptions<TArguments extends ActionSchema | undefined = undefined> {
  /** Unique in the plugin: letters, digits, `_`, `-` and `.`, at most 128. */
  name: string;
  /** The name on the wire where a server says `toolNames: exact`. */
  exactName?: string;
  title: string;
  description: string;
  /** A flat object. Clients send texts; use `z.coerce` for other kinds. */
  arguments?: TArguments;
  /** Per argument, values that begin as the person has typed so far. */
  complete?: {
    [argument: string]: (
      value: string,
      context: {
        /** Other arguments that are filled in already. */
        arguments: Readonly<Record<string, string>>;
        logger: LoggerService;
        credentials: BackstageCredentials;
        signal: AbortSignal;
      },
    ) => string[] | Promise<string[]>;
  };
  /** Callers without this permission do not see the prompt and cannot get it. */
  visibilityPermission?: BasicPermission;
  /** What a profile must have. Defaults to `actions:read`. */
  capability?: string;
  /** After this long it is given up; waiting for a person does not count. */
  timeoutSeconds?: number;
  get(context: PromptContext<InferArguments<TArguments>>): Promise<{ description?: string; messages: PromptMessage[] }>;
}

/** Registers a plugin's prompts. They take the path of every call: as reads, under the same rules as actions. */
export interface PromptsRegistryService {
  /**
   * One that cannot be published is refused with an error in the log and leaves the plugin's other
   * prompts alone.
   *
   * @throws Error if a prompt of that name is registered already.
   */
  register<TArguments extends ActionSchema | undefined = undefined>(options: PromptOptions<TArguments>): void;
}

export const promptsRegistryServiceRef = createServiceRef<PromptsRegistryService>({
  id: 'callboard.promptsRegistry',
  scope: 'plugin',
});
