export type {
  ActionCall,
  ActionCallInfo,
  ActionDoor,
  ActionGate,
  ActionGateStage,
  ActionGatesService,
  ExplainedCall,
} from './actionGates.js';
export { actionGateStages, actionGatesServiceRef } from './actionGates.js';
export type {
  ActionContext,
  ActionExample,
  ActionOptions,
  ActionResult,
  ActionSchema,
  ActionsRegistryService,
} from './actionsRegistry.js';
export { actionsRegistryServiceRef } from './actionsRegistry.js';
export {
  type Alert,
  type AlertEvent,
  type AlertSink,
  type AlertsService,
  alertEvents,
  alertsServiceRef,
} from './alerts.js';
export {
  type ActionPreview,
  type Approval,
  type ApprovalBook,
  type ApprovalChannel,
  type ApprovalRequest,
  type ApprovalState,
  type ApprovalsService,
  approvalStates,
  approvalsServiceRef,
  type ClientAnswer,
} from './approvals.js';
export type {
  AuditEntry,
  AuditedCall,
  AuditOutcome,
  AuditTrail,
  AuditTrailsService,
} from './auditTrail.js';
export { auditTrailsServiceRef } from './auditTrail.js';
export { ClientCapabilityError } from './ClientCapabilityError.js';
export type { Caller } from './callers.js';
export { type CapableAction, capabilityOf, READ_CAPABILITY, WRITE_CAPABILITY } from './capabilities.js';
export {
  type CallClient,
  type ClientAbilities,
  type ClientRequest,
  type ClientResponse,
  type ElicitAnswer,
  type LogLevel,
  logLevels,
} from './clientRequests.js';
export {
  type ConfigSection,
  checkConfigSections,
  configSectionFeature,
  configSectionsServiceRef,
  findConfigMistakes,
  readConfigSection,
} from './configSections.js';
export type { ContentAnnotations, ContentBlock, ResourceContents, TextView } from './content.js';
export {
  type ActionEffect,
  actionEffects,
  type ClassedAction,
  effectMeanings,
  effectOf,
  type StatedEffect,
} from './effects.js';
export {
  type Explanation,
  type ExplanationsService,
  explanationsServiceRef,
  type Finding,
} from './explanations.js';
export { fingerprintOf } from './fingerprint.js';
export { isMigrated } from './isMigrated.js';
export type { NamedAction, OfferedAction } from './offers.js';
export { openPluginDatabase } from './openPluginDatabase.js';
export { parseRequest } from './parseRequest.js';
export { matchesName, matchesPrincipal, principalName, principalPatternSchema } from './principals.js';
export {
  type PromptContext,
  type PromptMessage,
  type PromptOptions,
  type PromptsRegistryService,
  promptsRegistryServiceRef,
} from './prompts.js';
export { canonicalJson } from './records/canonicalJson.js';
export { type DescribedInput, describeInput } from './records/describeInput.js';
export { scrubText } from './records/scrubText.js';
export { visibleText } from './records/visibleText.js';
export {
  type ListedResource,
  type ReadResource,
  type RegisteredResource,
  type ResourceContext,
  type ResourceOptions,
  type ResourcesRegistryService,
  resourcesRegistryServiceRef,
  type StaticResourceOptions,
  type TemplateResourceOptions,
} from './resources.js';
export { modeMeanings, type Ruling, rulingOf, type SafetyMode, safetyModes, strictnessOrder } from './safetyModes.js';
export { type ActionScope, actionScopes, coversScope, scopeOf } from './scopes.js';
export type { StartupNote, StartupNotesService } from './startupNotes.js';
export { startupNotesServiceRef } from './startupNotes.js';
export { TooManyRequestsError } from './TooManyRequestsError.js';
export { type VisibilityRule, type VisibilityRulesService, visibilityRulesServiceRef } from './visibilityRules.js';
