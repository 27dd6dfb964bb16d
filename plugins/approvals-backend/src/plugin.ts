import { coreServices, createBackendFeatureLoader, createBackendPlugin } from '@backstage/backend-plugin-api';
import {
  type Approval,
  actionsRegistryServiceRef,
  alertsServiceRef,
  approvalsServiceRef,
  configSectionFeature,
  startupNotesServiceRef,
} from '@callboard/actions-api';
import { BrowserUsers } from '@callboard/pages';
import { ApprovalDesk } from './ApprovalDesk.js';
import { ApprovalAlerts } from './ApprovalEvents.js';
import { approveCall } from './actions/approveCall.js';
import { denyCall } from './actions/denyCall.js';
import { getPendingApprovals } from './actions/getPendingApprovals.js';
import { ApprovalsJson } from './approvalJson.js';
import { approvalsConfigSection, readApprovalsConfig } from './config.js';
import { openDatabase } from './database/openDatabase.js';
import { SqlApprovals } from './database/SqlApprovals.js';
import { ExpirySweep } from './ExpirySweep.js';
import { ApprovalWatch } from './pages/ApprovalWatch.js';
import { EventStreams } from './pages/eventStreams.js';
import { createPagesRouter, PAGES } from './pages/pagesRouter.js';
import { approvalPermissions } from './permissions.js';
import { createApprovalsRouter } from './router.js';

/** What tests put in the place of the outside world. */
export interface Surroundings {
  now?: () => Date;
}

/** Makes the plugin that keeps approvals, and has people decide about them. */
export function createApprovalsPlugin({ now = () => new Date() }: Surroundings = {}) {
  return createBackendPlugin({
    pluginId: 'approvals',
    register(env) {
      env.registerInit({
        deps: {
          actionsRegistry: actionsRegistryServiceRef,
          alerts: alertsServiceRef,
          approvals: approvalsServiceRef,
          auditor: coreServices.auditor,
          auth: coreServices.auth,
          config: coreServices.rootConfig,
          database: coreServices.database,
          discovery: coreServices.discovery,
          httpAuth: coreServices.httpAuth,
          httpRouter: coreServices.httpRouter,
          lifecycle: coreServices.lifecycle,
          logger: coreServices.logger,
          notes: startupNotesServiceRef,
          permissions: coreServices.permissions,
          permissionsRegistry: coreServices.permissionsRegistry,
        },
        async init({ actionsRegistry, alerts, approvals, auditor, auth, config, database, discovery, ...rest }) {
          const { httpAuth, httpRouter, lifecycle, logger, notes, permissions, permissionsRegistry } = rest;
          const { approvers, selfApproval, ...limits } = readApprovalsConfig(config);
          const [baseUrl, authUrl] = await Promise.all([
            discovery.getExternalBaseUrl('approvals'),
            discovery.getExternalBaseUrl('auth'),
          ]);
          const urlOf = ({ id }: Approval) => `${baseUrl}${PAGES}/${id}`;
          const events = new ApprovalAlerts({ alerts, urlOf });
          const book = new SqlApprovals({ db: await openDatabase(database), ...limits, urlOf, events, now });
          const sweep = ExpirySweep.start({ sweep: () => book.sweep(), logger });
          lifecycle.addShutdownHook(() => sweep.stop());
          const watch = new ApprovalWatch({ records: book, logger });
          const streams = new EventStreams({ watch });
          lifecycle.addShutdownHook(() => streams.stop());
          const desk = new ApprovalDesk({ records: book, permissions, auditor, approvers, selfApproval });
          const json = new ApprovalsJson({ desk, urlOf });

          permissionsRegistry.addPermissions(approvalPermissions);
          approvals.provide(book);
          actionsRegistry.register(getPendingApprovals({ desk, json }));
          actionsRegistry.register(approveCall({ desk, json }));
          actionsRegistry.register(denyCall({ desk, json }));
          httpRouter.use(createApprovalsRouter({ desk, json, httpAuth }));
          // People are known there by their browser's cookie.
          httpRouter.addAuthPolicy({ path: PAGES, allow: 'unauthenticated' });
          const users = new BrowserUsers({ auth, discovery, baseUrl });
          httpRouter.use(createPagesRouter({ desk, users, watch, streams, logger, baseUrl, authUrl, now }));
          notes.add({ title: 'Approvals', lines: [baseUrl + PAGES] });
        },
      });
    },
  });
}

export const approvalsPlugin = createApprovalsPlugin();

/** The plugin, and the check of its configuration together with everybody's at start. */
export const approvalsFeatures = createBackendFeatureLoader({
  *loader() {
    yield configSectionFeature(approvalsConfigSection);
    yield approvalsPlugin;
  },
});
