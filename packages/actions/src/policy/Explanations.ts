import { type BackstageCredentials, coreServices, createServiceFactory } from '@backstage/backend-plugin-api';
import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import {
  type ActionEffect,
  type ActionGateStage,
  actionEffects,
  type Caller,
  type ClassedAction,
  capabilityOf,
  coversScope,
  type Explanation,
  type ExplanationsService,
  effectOf,
  explanationsServiceRef,
  type Finding,
  rulingOf,
  scopeOf,
} from '@callboard/actions-api';
import { type ActionsConfig, readActionsConfig } from '../config.js';
import { type InvocationPolicy, invocationPolicyServiceRef } from '../invocation/invocationPolicy.js';
import { settleEffect } from '../invocation/settleEffect.js';
import { kindOf, localPromptsServiceRef, localResourcesServiceRef } from '../offers/localOffers.js';
import { printable } from '../printable.js';
import { type LocalActions, localActionsServiceRef } from '../registry/localActions.js';
import type { RegisteredAction } from '../registry/prepareAction.js';
import { findLackingProfile } from './CallPolicy.js';

type Step = Explanation['steps'][number];

/** Goes through the steps of a call that nobody makes, and says what each would do. */
export class Explanations implements ExplanationsService {
  readonly #config: Pick<ActionsConfig, 'pluginSources'>;
  readonly #locals: Readonly<Record<ReturnType<typeof kindOf>, LocalActions>>;
  readonly #policy: InvocationPolicy;

  constructor(options: {
    config: Pick<ActionsConfig, 'pluginSources'>;
    /** What the plugins of this process have registered. */
    locals: Readonly<Record<ReturnType<typeof kindOf>, LocalActions>>;
    policy: InvocationPolicy;
  }) {
    this.#config = options.config;
    this.#locals = options.locals;
    this.#policy = options.policy;
  }

  async explain(
    about: Caller & { action: string; input?: unknown; credentials?: BackstageCredentials },
  ): Promise<Explanation> {
    const steps: Step[] = [];
    const add = (step: string, finding: Finding) => steps.push({ step, ...finding });

    const found = await this.#findAction(about.action, about.credentials, add);
    if (found) {
      const { registered } = found;
      const action = registered.descriptor;
      this.#explainServer(about, action, add);
      const rules = this.#policy.rules.rulesFor(about);
      this.#explainVisibility(registered, add);
      const effect = await explainEffect(registered, about.input, add);
      const call = { ...about, action, effect };
      await this.#explainGates('pause', call, add);

      const lacking = findLackingProfile(rules, action, effect);
      add(
        'checkProfiles',
        lacking
          ? refuses(
              `the profile ${lacking.value.name} lacks the capability ${capabilityOf(action)} or leaves the action out`,
              lacking.config,
            )
          : passes(
              rules.profiles.length > 0
                ? `in the profile ${rules.profiles.map(({ value }) => value.name).join(' and ')}`
                : 'no profile applies',
              rules.profiles[0]?.config,
            ),
      );
      const needed = scopeOf(action, effect);
      add(
        'checkScopes',
        about.scopes === undefined
          ? passes('no access token with scopes')
          : coversScope(about.scopes, needed)
            ? passes(`the token has ${needed} or a broader scope`)
            : refuses(`the token needs the scope ${needed}, it has ${about.scopes.join(' ') || 'none'}`),
      );
      await this.#explainGates('scopes', call, add);
      const ruling = rulingOf(rules.mode.value, effect);
      const because = `the mode is ${rules.mode.value}, the call is of class ${effect}`;
      add('checkSafetyMode', {
        verdict: ruling === 'refuse' ? 'refuses' : 'passes',
        because,
        config: rules.mode.config,
      });
      await this.#explainGates('safetyMode', call, add);
      await this.#explainGates('limits', call, add);
      this.#explainSecrets(about, action, add);
      if (ruling === 'approve') {
        const channels = this.#channelsFor(about, action);
        add('requireApproval', {
          verdict: channels.length > 0 ? 'asks' : 'refuses',
          because: `${because}: ${channels.join(', else ') || 'it needs approval, and there is nobody to ask'}`,
          config: rules.mode.config,
        });
      } else {
        add('requireApproval', passes('the mode demands no approval'));
      }
      await this.#explainGates('approval', call, add);
    }
    return { ...conclude(about, steps), steps };
  }

  async #findAction(
    id: string,
    credentials: BackstageCredentials | undefined,
    add: (step: string, finding: Finding) => void,
  ): Promise<{ registered: RegisteredAction } | undefined> {
    const pluginId = id.slice(0, Math.max(0, id.indexOf(':')));
    const { pluginSources } = this.#config;
    if (pluginSources && !pluginSources.includes(pluginId)) {
      add(
        'findVisibleAction',
        refuses(`the plugin "${printable(pluginId)}" is not among the sources`, 'backend.actions.pluginSources'),
      );
      return undefined;
    }
    const plugin = this.#locals[kindOf(id)].get(pluginId);
    // Resources and prompts of other backends are not published here.
    if (!plugin && kindOf(id) === 'action') {
      add('findVisibleAction', {
        verdict: 'depends',
        because: `the plugin "${printable(pluginId)}" is not in this backend; where it is, it decides`,
        config: 'backend.actions.pluginSources',
      });
      return undefined;
    }
    const lookup = plugin?.lookUp(id);
    const isHidden = lookup !== 'left-out' && credentials && !(await plugin?.find(id, credentials));
    if (!lookup || isHidden) {
      add('findVisibleAction', refuses(`there is no ${kindOf(id)} "${printable(id)}"`));
      return undefined;
    }
    if (lookup === 'left-out') {
      add('findVisibleAction', refuses(`the filter leaves the ${kindOf(id)} out`, 'backend.actions.filter'));
      return undefined;
    }
    return { registered: lookup };
  }

  #explainServer(about: Caller, action: ActionsServiceAction, add: (step: string, finding: Finding) => void): void {
    if (about.door !== 'mcp') {
      return;
    }
    const server = this.#policy.rules.serverOf(about);
    if (!server) {
      add(
        'findVisibleAction',
        refuses(`there is no MCP server "${printable(about.server ?? '')}"`, 'mcpActions.servers'),
      );
    } else if (!server.publishes.value(action)) {
      add(
        'findVisibleAction',
        refuses(`the MCP server does not publish the ${kindOf(action.id)}`, server.publishes.config),
      );
    }
  }

  #explainVisibility(
    { descriptor, visibilityPermission }: RegisteredAction,
    add: (step: string, finding: Finding) => void,
  ): void {
    for (const rule of this.#policy.visibilityRules.all) {
      const isAllowed = rule.allows(descriptor);
      add(
        `findVisibleAction (${rule.id})`,
        rule.explain?.(descriptor) ?? (isAllowed ? passes('does not hold it back') : refuses('holds it back')),
      );
    }
    add(
      'findVisibleAction',
      visibilityPermission
        ? {
            verdict: 'depends',
            because: `whoever lacks the permission ${visibilityPermission.name} does not see the action`,
            config: 'permission.enabled',
          }
        : passes('the action needs no permission to be seen'),
    );
  }

  async #explainGates(
    stage: ActionGateStage,
    call: Caller & { action: ActionsServiceAction; effect: ActionEffect },
    add: (step: string, finding: Finding) => void,
  ): Promise<void> {
    for (const gate of this.#policy.gates.at(stage)) {
      add(
        `${stage} (${gate.id})`,
        (await gate.explain?.(call)) ?? { verdict: 'depends', because: 'decides on each call by itself' },
      );
    }
  }

  #explainSecrets(
    { door, principal, credentials }: Caller & { credentials?: BackstageCredentials },
    { schema }: ActionsServiceAction,
    add: (step: string, finding: Finding) => void,
  ): void {
    const { secrets } = this.#policy;
    if (!schema.secrets) {
      add('supplySecrets', passes('the action takes no secrets'));
    } else if (door !== 'mcp' || !secrets.isOpen) {
      add('supplySecrets', { verdict: 'depends', because: 'the call has to bring the secrets that the action takes' });
    } else {
      const type = (credentials?.principal as { type?: string } | undefined)?.type;
      const whyNobody = secrets.whyNobody({ isOfUser: type ? type === 'user' : principal.startsWith('user:') });
      add(
        'supplySecrets',
        whyNobody
          ? refuses(whyNobody, 'mcpActions.secrets.users')
          : { verdict: 'asks', because: 'a person has to enter the secrets that the action takes, on a page' },
      );
    }
  }

  #channelsFor({ door }: Caller, action: ActionsServiceAction): string[] {
    const { asksClients, book } = this.#policy.approvals;
    return [
      ...(asksClients && door === 'mcp' ? ['a person is asked through the client, if it supports elicitation'] : []),
      ...(book.isDurable && capabilityOf(action) !== 'approvals:decide'
        ? ['a person decides on the page of the approvals']
        : []),
    ];
  }
}

async function explainEffect(
  { descriptor, checks, effect }: RegisteredAction,
  input: unknown,
  add: (step: string, finding: Finding) => void,
): Promise<ActionEffect> {
  const stated = (descriptor as ClassedAction).effect;
  if (!effect) {
    const known = effectOf(descriptor);
    add(
      'parseInput',
      passes(stated ? `the action says that it is of class ${known}` : `by its attributes it is of class ${known}`),
    );
    return known;
  }
  if (input === undefined) {
    add('parseInput', {
      verdict: 'depends',
      because: `the class depends on the input; without one it is taken for ${effectOf(descriptor)}`,
    });
    return effectOf(descriptor);
  }
  const parsed = await checks.input(input);
  if (!parsed.ok) {
    add('parseInput', refuses(`the input is invalid: ${parsed.problems}`));
    return effectOf(descriptor);
  }
  let settled: ActionEffect;
  try {
    settled = await settleEffect(descriptor.id, effect, parsed.value);
  } catch {
    add('parseInput', refuses('the action cannot say of which class the call is'));
    return effectOf(descriptor);
  }
  if (!actionEffects.includes(settled)) {
    add('parseInput', refuses(`the action says that the call is of class ${String(settled)}, which does not exist`));
    return effectOf(descriptor);
  }
  add('parseInput', passes(`with this input it is of class ${settled}`));
  return settled;
}

const passes = (because: string, config?: string): Finding => ({
  verdict: 'passes',
  because,
  ...(config && { config }),
});
const refuses = (because: string, config?: string): Finding => ({
  verdict: 'refuses',
  because,
  ...(config && { config }),
});

function conclude(
  { principal, action }: { principal: string; action: string },
  steps: readonly Step[],
): Pick<Explanation, 'verdict' | 'summary'> {
  const at = (verdict: Finding['verdict']) => steps.find(step => step.verdict === verdict);
  const deciding = at('refuses') ?? at('asks') ?? at('depends');
  const verdict = deciding?.verdict ?? 'passes';
  const says = {
    passes: 'may call it',
    refuses: 'may not call it',
    asks:
      deciding?.step === 'supplySecrets'
        ? 'may call it once a person has entered its secrets'
        : 'may call it once a person has approved',
    depends: 'may perhaps call it',
  }[verdict];
  const reason = deciding
    ? `: ${deciding.step}: ${deciding.because}${deciding.config ? ` (${deciding.config})` : ''}`
    : '';
  return { verdict, summary: `${printable(action)}: ${printable(principal)} ${says}${reason}` };
}

export const explanationsServiceFactory = createServiceFactory({
  service: explanationsServiceRef,
  deps: {
    config: coreServices.rootConfig,
    action: localActionsServiceRef,
    resource: localResourcesServiceRef,
    prompt: localPromptsServiceRef,
    policy: invocationPolicyServiceRef,
  },
  factory: ({ config, policy, ...locals }) => new Explanations({ config: readActionsConfig(config), locals, policy }),
});
