export type {
  ActionCall,
  ActionDoor,
  ActionGate,
  ActionGateStage,
  ActionGatesService,
} from './actionGates.js';
export { actionGatesServiceRef } from './actionGates.js';
export type {
  ActionContext,
  ActionExample,
  ActionOptions,
  ActionSchema,
  ActionsRegistryService,
} from './actionsRegistry.js';
export { actionsRegistryServiceRef } from './actionsRegistry.js';
export type {
  AuditEntry,
  AuditedCall,
  AuditOutcome,
  AuditTrail,
  AuditTrailsService,
} from './auditTrail.js';
export { auditTrailsServiceRef } from './auditTrail.js';
export {
  type ConfigSection,
  checkConfigSections,
  configSectionFeature,
  configSectionsServiceRef,
  findConfigMistakes,
  readConfigSection,
} from './configSections.js';
export { type ActionEffect, actionEffects, effectOf } from './effects.js';
export { type ActionScope, actionScopes, coversScope, scopeOf } from './scopes.js';
export type { StartupNote, StartupNotesService } from './startupNotes.js';
export { startupNotesServiceRef } from './startupNotes.js';
