import { coreServices, createBackendFeatureLoader, createBackendPlugin } from '@backstage/backend-plugin-api';
import { actionsServiceRef } from '@backstage/backend-plugin-api/alpha';
import {
  actionsRegistryServiceRef,
  auditTrailsServiceRef,
  configSectionFeature,
  explanationsServiceRef,
  startupNotesServiceRef,
} from '@callboard/actions-api';
import { acceptDefinitions } from './actions/acceptDefinitions.js';
import { getHeldDefinitions } from './actions/getHeldDefinitions.js';
import { getSafetyStatus } from './actions/getSafetyStatus.js';
import { pause } from './actions/pause.js';
import { resume } from './actions/resume.js';
import { AlertStore } from './alerts/AlertStore.js';
import { startAlerts } from './alerts/index.js';
import { safetyConfigSection } from './config.js';
import { openDatabase } from './database/openDatabase.js';
import { CounterStore } from './limits/CounterStore.js';
import { LeaseStore } from './limits/LeaseStore.js';
import { Operators } from './Operators.js';
import { PauseStore } from './pause/PauseStore.js';
import { describePause } from './pause/pauseGate.js';
import { safetyPermissions } from './permissions.js';
import { DefinitionReview } from './pinning/DefinitionReview.js';
import { DefinitionStore } from './pinning/DefinitionStore.js';
import { createSafetyRouter } from './router.js';
import { safetyServiceFactory, safetyServiceRef } from './safetyService.js';

/** What operators have on the path of every call: pause, limits and pinned definitions; and why a call is refused. */
export const safetyPlugin = createBackendPlugin({
  pluginId: 'safety',
  register(env) {
    env.registerInit({
      deps: {
        actions: actionsServiceRef,
        actionsRegistry: actionsRegistryServiceRef,
        auditor: coreServices.auditor,
        auth: coreServices.auth,
        database: coreServices.database,
        explanations: explanationsServiceRef,
        httpAuth: coreServices.httpAuth,
        httpRouter: coreServices.httpRouter,
        lifecycle: coreServices.lifecycle,
        logger: coreServices.logger,
        notes: startupNotesServiceRef,
        permissions: coreServices.permissions,
        permissionsRegistry: coreServices.permissionsRegistry,
        rootLifecycle: coreServices.rootLifecycle,
        service: safetyServiceRef,
        trails: auditTrailsServiceRef,
      },
      async init({ actions, actionsRegistry, auditor, auth, database, explanations, httpAuth, httpRouter, ...rest }) {
        const { lifecycle, logger, notes, permissions, permissionsRegistry, rootLifecycle, service, trails } = rest;
        const { settings, pauses, limits, pinning, collectedAlerts } = service;
        const now = () => new Date();
        const operators = new Operators({ patterns: settings.operators, permissions });
        const db = await openDatabase(database);

        await startAlerts({
          collected: collectedAlerts,
          webhooks: settings.webhooks,
          metricsArePublic: settings.metricsArePublic,
          db,
          trails,
          operators,
          actionsRegistry,
          httpAuth,
          httpRouter,
          lifecycle,
          permissionsRegistry,
          logger,
          now,
        });
        await pauses.open(new PauseStore({ db }), settings.pause);
        lifecycle.addShutdownHook(pauses.startWatching());
        limits.open({ counters: new CounterStore({ db }), leases: new LeaseStore({ db }) });
        lifecycle.addShutdownHook(limits.startUpkeep());

        let definitions: DefinitionReview | undefined;
        let held: string[] = [];
        if (pinning) {
          const store = new DefinitionStore({ db });
          await pinning.open(store);
          lifecycle.addShutdownHook(pinning.startRefreshing());
          held = pinning.mode === 'hold' ? await describeHeld(store) : [];
          // Who lists all actions has the pinning asked about each.
          const survey = async () => {
            const { actions: listed } = await actions.list({ credentials: await auth.getOwnServiceCredentials() });
            for (const action of listed) {
              pinning.allows(action);
            }
          };
          definitions = new DefinitionReview({ store, pinning, survey, now });
          rootLifecycle.addStartupHook(async () => {
            await survey();
            await pinning.refresh();
          });
        }

        permissionsRegistry.addPermissions(safetyPermissions);
        actionsRegistry.register(getSafetyStatus({ pauses, alerts: new AlertStore({ db }), now }));
        actionsRegistry.register(pause({ pauses, operators }));
        actionsRegistry.register(resume({ pauses, operators }));
        if (definitions) {
          actionsRegistry.register(getHeldDefinitions({ definitions }));
          actionsRegistry.register(acceptDefinitions({ definitions, operators }));
        }
        httpRouter.use(createSafetyRouter({ pauses, definitions, explanations, operators, auditor, httpAuth }));
        const unusual = [...(await pauses.list()).map(describePause), ...held];
        if (unusual.length > 0) {
          notes.add({ title: 'Safety', lines: unusual });
        }
      },
    });
  },
});

/** The plugin, its gates, and the check of its configuration together with everybody's at start. */
export const safetyFeatures = createBackendFeatureLoader({
  *loader() {
    yield configSectionFeature(safetyConfigSection);
    yield safetyServiceFactory;
    yield safetyPlugin;
  },
});

/** What is known before the plugins have registered their actions. */
async function describeHeld(store: DefinitionStore): Promise<string[]> {
  const [current, accepted] = await Promise.all([store.listCurrent(), store.listAcceptedFingerprints()]);
  const count = current.filter(({ actionId, fingerprint }) => accepted.get(actionId) !== fingerprint).length;
  if (accepted.size === 0) {
    return ['safety.pinning holds back every action, as no definition is accepted yet'];
  }
  return count > 0 ? [`safety.pinning holds back ${count} ${count === 1 ? 'action' : 'actions'}`] : [];
}
