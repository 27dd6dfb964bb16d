import { coreServices, createServiceFactory, createServiceRef } from '@backstage/backend-plugin-api';
import { actionGatesServiceRef, alertsServiceRef, visibilityRulesServiceRef } from '@callboard/actions-api';
import { type CollectedAlerts, collectAlerts } from './alerts/index.js';
import { readSafetyConfig, type SafetyConfig } from './config.js';
import { CallLimits } from './limits/CallLimits.js';
import { PauseFile } from './pause/PauseFile.js';
import { PauseSwitch } from './pause/PauseSwitch.js';
import { createPauseGate } from './pause/pauseGate.js';
import { DefinitionPinning } from './pinning/DefinitionPinning.js';

/** What stands in the way of calls from the first on; the plugin gives it the database. */
export interface SafetyService {
  readonly settings: SafetyConfig;
  readonly pauses: PauseSwitch;
  readonly limits: CallLimits;
  /** `undefined` if `safety.pinning` is off. */
  readonly pinning: DefinitionPinning | undefined;
  readonly collectedAlerts: CollectedAlerts;
}

export const safetyServiceRef = createServiceRef<SafetyService>({ id: 'callboard.safety', scope: 'root' });

/** There before any plugin starts, so that no call of theirs comes before the gates. */
export const safetyServiceFactory = createServiceFactory({
  service: safetyServiceRef,
  initialization: 'always',
  deps: {
    alerts: alertsServiceRef,
    config: coreServices.rootConfig,
    gates: actionGatesServiceRef,
    rootLogger: coreServices.rootLogger,
    rules: visibilityRulesServiceRef,
  },
  factory({ alerts, config, gates, rootLogger, rules }) {
    const settings = readSafetyConfig(config);
    const { pause, limits: limitSettings, pinning: mode } = settings;
    const logger = rootLogger.child({ plugin: 'safety' });
    const now = () => new Date();

    const collectedAlerts = collectAlerts({ alerts, logger, now });
    const file = pause.file === undefined ? undefined : new PauseFile({ path: pause.file });
    const pauses = new PauseSwitch({ ...(file && { file }), alerts, logger, now });
    gates.add(createPauseGate({ pauses }));
    const limits = new CallLimits({ limits: limitSettings, logger, now });
    gates.add(limits);
    const pinning =
      mode === 'off'
        ? undefined
        : new DefinitionPinning({ mode, alerts, logger, now, onChange: () => rules.changed() });
    if (pinning) {
      rules.add(pinning);
    }
    return { settings, pauses, limits, pinning, collectedAlerts };
  },
});
