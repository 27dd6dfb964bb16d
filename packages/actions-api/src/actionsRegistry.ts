import { type BackstageCredentials, createServiceRef, type LoggerService } from '@backstage/backend-plugin-api';
import {
  type ActionsRegistryService as BackstageActionsRegistryService,
  actionsRegistryServiceRef as backstageActionsRegistryServiceRef,
} from '@backstage/backend-plugin-api/alpha';
import type { BasicPermission } from '@backstage/plugin-permission-common';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ActionCallInfo } from './actionGates.js';
import type { ActionPreview } from './approvals.js';
import type { CallClient } from './clientRequests.js';
import type { ContentBlock, TextView } from './content.js';
import type { ActionEffect } from './effects.js';

/**
 * A schema given as an object: zod 4, or any Standard Schema that can describe itself as JSON
 * Schema (https://standardschema.dev/json-schema), with an object at its root.
 */
export type ActionSchema = StandardSchemaV1;

type InferInput<TSchema> = TSchema extends ActionSchema ? StandardSchemaV1.InferInput<TSchema> : undefined;
type InferOutput<TSchema> = TSchema extends ActionSchema ? StandardSchemaV1.InferOutput<TSchema> : undefined;

/** What an action's handler is given. */
export interface ActionContext<TInput, TSecrets> {
  /** Checked against the input schema, with its defaults and transforms applied. */
  input: TInput;
  /** Checked like the input; `undefined` for actions without a secrets schema. */
  secrets: TSecrets;
  logger: LoggerService;
  /** Whom the action acts for, as the action's own plugin sees them. */
  credentials: BackstageCredentials;
  /** Aborted when the caller goes away or cancels, or the action's time is up. */
  signal: AbortSignal;
  /** The call as the gates have let it through: who called, as the plugin at the door saw them. */
  call: ActionCallInfo;
  /** The client that made the call, to tell it how far the action is and to ask the person at it. */
  client: CallClient;
}

/** What a handler returns. */
export interface ActionResult<TOutput> {
  output: TOutput;
  /** Besides the output, for MCP clients only: images, links, text in place of the output as JSON. */
  content?: ContentBlock[];
}

/** A worked example of a call. */
export interface ActionExample<TInput, TOutput> {
  title: string;
  description?: string;
  input: TInput;
  output?: TOutput;
}

/** An action whose schemas are objects. Backstage's own `z => z.object(…)` form is accepted as well. */
export interface ActionOptions<
  TInput extends ActionSchema,
  TOutput extends ActionSchema,
  TSecrets extends ActionSchema | undefined = undefined,
> {
  /** Unique in the plugin: letters, digits, `_`, `-` and `.`, at most 128. */
  name: string;
  title: string;
  description: string;
  schema: { input: TInput; output: TOutput; secrets?: TSecrets };
  examples?: ActionExample<InferInput<TInput>, InferInput<TOutput>>[];
  /** Callers without this permission do not see the action and cannot call it. */
  visibilityPermission?: BasicPermission;
  attributes?: {
    /** May remove or overwrite what exists. Defaults to `true` unless `readOnly`. */
    destructive?: boolean;
    /** Calling it again with the same input changes nothing more. Defaults to `false`. */
    idempotent?: boolean;
    /** Changes nothing. Defaults to `false`. */
    readOnly?: boolean;
  };
  /**
   * What a call does to the world, where the attributes do not say it well enough; as a function of
   * the checked input where it depends on that. Settled before anything runs.
   */
  effect?: ActionEffect | ((input: InferOutput<TInput>) => ActionEffect | Promise<ActionEffect>);
  /**
   * What a profile must have for the action to be listed and called under it, such as
   * `approvals:decide`. Defaults to `actions:read` or `actions:write`, by the attributes.
   */
  capability?: string;
  /**
   * The tool's whole name on servers that say `toolNames: exact`, such as `search_docs`: letters,
   * digits, `_`, `-` and `.`, at most 128.
   */
  toolName?: string;
  /** After this long the call is given up, by default `backend.actions.timeoutSeconds`; waiting for a person does not count. */
  timeoutSeconds?: number;
  /** The output as text for models, in place of JSON; the structure is sent besides. */
  textView?(output: InferOutput<TOutput>): TextView;
  /**
   * Shows whoever has to approve a call what it would change. Must change nothing itself; what it
   * throws is logged, and the approval is asked for without it.
   */
  preview?(context: ActionContext<InferOutput<TInput>, InferOutput<TSecrets>>): Promise<ActionPreview>;
  action(
    context: ActionContext<InferOutput<TInput>, InferOutput<TSecrets>>,
    // biome-ignore lint/suspicious/noConfusingVoidType: handlers without output return nothing, as in Backstage.
  ): Promise<ActionResult<InferInput<TOutput>> | { output?: undefined; content: ContentBlock[] } | void>;
}

/** Registers a plugin's actions. The same service as Backstage's, with wider types. */
export interface ActionsRegistryService extends BackstageActionsRegistryService {
  /**
   * Registers an action. One whose name or schema cannot be published is refused with an error in
   * the log and leaves the plugin's other actions alone.
   *
   * @throws Error if an action of that name is registered already.
   */
  register: BackstageActionsRegistryService['register'] &
    (<TInput extends ActionSchema, TOutput extends ActionSchema, TSecrets extends ActionSchema | undefined = undefined>(
      options: ActionOptions<TInput, TOutput, TSecrets>,
    ) => void);
}

/**
 * Backstage's actions registry under its own service id, typed to also take schemas as objects.
 * Plugins that use the callback form can import the ref from `@backstage/backend-plugin-api/alpha`.
 */
export const actionsRegistryServiceRef = createServiceRef<ActionsRegistryService>({
  id: backstageActionsRegistryServiceRef.id,
  scope: 'plugin',
});
