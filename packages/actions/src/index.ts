import { createBackendFeatureLoader } from '@backstage/backend-plugin-api';
import { configSectionFeature } from '@callboard/actions-api';
import { alertsServiceFactory } from './alerts/Alerts.js';
import { approvalsServiceFactory } from './approval/approvalsServiceFactory.js';
import { actionCatalogueServiceFactory } from './catalogue/actionCatalogueServiceFactory.js';
import { actionsServiceFactory } from './catalogue/actionsServiceFactory.js';
import { catalogueEventsServiceFactory } from './catalogue/CatalogueEvents.js';
import { actionsConfigSection } from './config.js';
import { configCheckServiceFactory } from './configCheck.js';
import { auditTrailsServiceFactory } from './invocation/AuditTrails.js';
import { actionGatesServiceFactory } from './invocation/actionGates.js';
import { invocationPolicyServiceFactory } from './invocation/invocationPolicy.js';
import { localPromptsServiceFactory, localResourcesServiceFactory } from './offers/localOffers.js';
import { offerCataloguesServiceFactory } from './offers/offerCataloguesServiceFactory.js';
import { promptsRegistryServiceFactory, resourcesRegistryServiceFactory } from './offers/offerRegistries.js';
import { explanationsServiceFactory } from './policy/Explanations.js';
import { visibilityRulesServiceFactory } from './policy/VisibilityRules.js';
import { actionsRegistryServiceFactory } from './registry/actionsRegistryServiceFactory.js';
import { localActionsServiceFactory } from './registry/localActions.js';
import { replicasServiceFactory } from './replicas/replicasServiceFactory.js';
import { secretsDeskServiceFactory } from './secrets/secretsDeskServiceFactory.js';

export { Alerts } from './alerts/Alerts.js';
export { type AnsweredApproval, Approvals } from './approval/Approvals.js';
export { ApprovalQuestion, ApprovalRequiredError, type PendingApproval } from './approval/approvalErrors.js';
export { CallAbort, type CallSignal, toAbortSignal } from './CallSignal.js';
export { ActionCatalogue } from './catalogue/ActionCatalogue.js';
export { type ActionFilter, actionFilterSchema, compileActionFilter } from './catalogue/ActionFilter.js';
export { actionCatalogueServiceFactory, actionCatalogueServiceRef } from './catalogue/actionCatalogueServiceFactory.js';
export { actionsServiceFactory } from './catalogue/actionsServiceFactory.js';
export {
  type CatalogueChange,
  CatalogueEvents,
  catalogueEventsServiceFactory,
  catalogueEventsServiceRef,
} from './catalogue/CatalogueEvents.js';
export { principalKey } from './catalogue/delegate.js';
export type { ActionOutcome, ActionRun, VisibleAction, VisibleActions } from './catalogue/VisibleAction.js';
export { elicitForm } from './client/elicitForm.js';
export { noClient } from './client/noClient.js';
export { actionsConfigSection } from './config.js';
export { type DescribedError, describeError, type ErrorAnswer, errorTable } from './errors.js';
export { abortOnDisconnect, disconnectSignal } from './http/disconnectSignal.js';
export { type HttpLane, httpLaneServiceRef, type LaneRequest } from './http/HttpLane.js';
export { BodyError, readJsonBody } from './http/readJsonBody.js';
export { whenClosed } from './http/whenClosed.js';
export { ActionTimeoutError } from './invocation/ActionTimeoutError.js';
export { ActionGateChecks, actionGateChecksServiceRef, actionGatesServiceFactory } from './invocation/actionGates.js';
export { Invocation } from './invocation/Invocation.js';
export { type InvocationPolicy, invocationPolicyServiceRef } from './invocation/invocationPolicy.js';
export { type DoorAudit, invokeAction } from './invocation/invokeAction.js';
export { lookAt } from './invocation/lookAt.js';
export type { CompletionRequest } from './offers/completions.js';
export {
  LocalResources,
  localPromptsServiceFactory,
  localPromptsServiceRef,
  localResourcesServiceFactory,
  localResourcesServiceRef,
} from './offers/localOffers.js';
export {
  type OfferCatalogues,
  offerCataloguesServiceFactory,
  offerCataloguesServiceRef,
} from './offers/offerCataloguesServiceFactory.js';
export { promptsRegistryServiceFactory, resourcesRegistryServiceFactory } from './offers/offerRegistries.js';
export { UriTemplate } from './offers/UriTemplate.js';
export { CallerView } from './policy/CallerView.js';
export {
  type ApprovalNeed,
  type CallerRules,
  CallPolicy,
  type ServerRules,
  type Sourced,
} from './policy/CallPolicy.js';
export { builtInProfiles, type Profile } from './policy/profiles.js';
export { printable } from './printable.js';
export { actionsRegistryServiceFactory } from './registry/actionsRegistryServiceFactory.js';
export type { Parsed } from './registry/compileSchema.js';
export {
  type Contribution,
  LocalActions,
  localActionsServiceFactory,
  localActionsServiceRef,
} from './registry/localActions.js';
export { LoneReplica } from './replicas/LoneReplica.js';
export type { ReplicaTiming } from './replicas/RedisMembership.js';
export { RedisReplicas } from './replicas/RedisReplicas.js';
export { type Asked, type Replicas, replicasServiceRef, type SharedRedis } from './replicas/Replicas.js';
export { replicasServiceFactory } from './replicas/replicasServiceFactory.js';
export { type AnsweredSecrets, SecretsDesk, type SecretsIssue, type SecretsPages } from './secrets/SecretsDesk.js';
export type { KeptRequest, SecretsRequest } from './secrets/SecretsRequests.js';
export { secretsDeskServiceFactory, secretsDeskServiceRef } from './secrets/secretsDeskServiceFactory.js';
export { type PendingSecrets, SecretsQuestion, SecretsRequiredError } from './secrets/secretsErrors.js';
export { unlessAborted } from './unlessAborted.js';

/** Everything that lets the plugins of one backend register actions and call each other's. */
export const actionsServiceFactories = [
  configSectionFeature(actionsConfigSection),
  configCheckServiceFactory,
  replicasServiceFactory,
  localActionsServiceFactory,
  catalogueEventsServiceFactory,
  actionGatesServiceFactory,
  visibilityRulesServiceFactory,
  alertsServiceFactory,
  approvalsServiceFactory,
  secretsDeskServiceFactory,
  auditTrailsServiceFactory,
  explanationsServiceFactory,
  invocationPolicyServiceFactory,
  actionsRegistryServiceFactory,
  localResourcesServiceFactory,
  localPromptsServiceFactory,
  resourcesRegistryServiceFactory,
  promptsRegistryServiceFactory,
  offerCataloguesServiceFactory,
  actionCatalogueServiceFactory,
  actionsServiceFactory,
];

/** For backends that run plugins with actions and no MCP server: `backend.add(import('@callboard/actions'))`. */
export const actionsFeatures = createBackendFeatureLoader({
  *loader() {
    yield* actionsServiceFactories;
  },
});
export { actionsFeatures as default };
