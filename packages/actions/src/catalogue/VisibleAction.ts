import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import type {
  ActionCallInfo,
  ActionEffect,
  ActionPreview,
  CallClient,
  ContentBlock,
  ListedResource,
  TextView,
} from '@callboard/actions-api';
import type { CallSignal } from '../CallSignal.js';
import type { CompletionRequest } from '../offers/completions.js';
import type { Parsed } from '../registry/compileSchema.js';

/** What runs an action, once every step has let the call through. */
export interface ActionRun {
  input: unknown;
  secrets: unknown;
  signal: CallSignal;
  call: ActionCallInfo;
  client: CallClient;
}

/** What came of running it. */
export interface ActionOutcome {
  readonly output: unknown;
  /** For MCP clients, besides the output or in place of its text. */
  readonly content?: readonly ContentBlock[];
}

/** An action that one caller may see, ready to be called for them. */
export interface VisibleAction {
  readonly descriptor: ActionsServiceAction;
  /** Checks of the owner's schemas; absent where the owner is another backend, which checks for itself. */
  readonly checks?: {
    input(value: unknown): Parsed | Promise<Parsed>;
    output(value: unknown): Parsed | Promise<Parsed>;
    secrets?(value: unknown): Parsed | Promise<Parsed>;
  };
  /** What a call with this input does, where the action says so itself. */
  effect?(input: unknown): ActionEffect | Promise<ActionEffect>;
  /** What a call with this input would change, where the action can tell. */
  preview?(call: ActionRun): Promise<ActionPreview>;
  /** The output as text for models, where the action gives one. */
  textView?(output: unknown): TextView;
  /** Where the action says how long it may take. */
  readonly timeoutSeconds?: number;
  /** For prompts and resources with a template: values that go on as is typed; undefined for what is no argument. */
  complete?(request: CompletionRequest): Promise<readonly string[] | undefined>;
  /** For resources with a template: which ones there are, where the owner says. */
  listInstances?(signal: AbortSignal): Promise<readonly ListedResource[]>;
  run(call: ActionRun): Promise<ActionOutcome>;
}

/** The actions of one source that one caller may see. */
export interface VisibleActions {
  readonly descriptors: readonly ActionsServiceAction[];
  /** Equal strings mean equal lists, within this process. */
  readonly fingerprint: string;
}
