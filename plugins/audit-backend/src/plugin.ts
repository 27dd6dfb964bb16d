import { randomUUID } from 'node:crypto';
import {
  coreServices,
  createBackendFeatureLoader,
  createBackendPlugin,
  type LoggerService,
} from '@backstage/backend-plugin-api';
import { actionsRegistryServiceRef, configSectionFeature, startupNotesServiceRef } from '@callboard/actions-api';
import { getAuditEvents } from './actions/getAuditEvents.js';
import { type AuditConfig, auditConfigSection } from './config.js';
import { AuditEvents } from './database/AuditEvents.js';
import { openDatabase } from './database/openDatabase.js';
import { SqlTrail } from './database/SqlTrail.js';
import { verifyChains } from './database/verifyChains.js';
import { FileTrail } from './file/FileTrail.js';
import { auditEventReadPermission } from './permissions.js';
import { recorderServiceFactory, recorderServiceRef } from './recorderService.js';
import { createAuditRouter } from './router.js';

/** Records every call of an action, and answers who did what. */
export const auditPlugin = createBackendPlugin({
  pluginId: 'audit',
  register(env) {
    env.registerInit({
      deps: {
        actionsRegistry: actionsRegistryServiceRef,
        auditor: coreServices.auditor,
        database: coreServices.database,
        httpAuth: coreServices.httpAuth,
        httpRouter: coreServices.httpRouter,
        lifecycle: coreServices.lifecycle,
        logger: coreServices.logger,
        notes: startupNotesServiceRef,
        permissions: coreServices.permissions,
        permissionsRegistry: coreServices.permissionsRegistry,
        service: recorderServiceRef,
      },
      async init({ actionsRegistry, auditor, database, httpAuth, httpRouter, lifecycle, logger, ...rest }) {
        const { notes, permissions, permissionsRegistry } = rest;
        const { settings, recorder } = rest.service;
        const { directory, limits, usesDatabase } = settings;
        if (!settings.enabled) {
          notes.add({ title: 'Audit', lines: ['off: calls are not recorded'] });
          logger.warn('Calls are not recorded: audit.enabled is false');
          return;
        }
        const now = () => new Date();
        const files = new FileTrail({ directory, limits, logger, now });
        const db = usesDatabase ? await openDatabase(database) : undefined;
        // Before the recorder writes, which does not wait as long as it may take to find a folder.
        const chain = await findChain(files, logger);
        notes.add({ title: 'Audit', lines: [describePlaces(settings, files.name)] });
        await recorder.open([files, ...(db ? [new SqlTrail({ db, chain, now })] : [])]);
        lifecycle.addShutdownHook(() => recorder.close());
        if (!db) {
          return;
        }

        const events = new AuditEvents({ db });
        const verify = () => verifyChains(db);
        permissionsRegistry.addPermissions([auditEventReadPermission]);
        actionsRegistry.register(getAuditEvents({ events }));
        httpRouter.use(createAuditRouter({ events, verify, auditor, httpAuth, permissions }));
      },
    });
  },
});

/** The plugin, the trail that it opens, and the check of its configuration together with everybody's at start. */
export const auditFeatures = createBackendFeatureLoader({
  *loader() {
    yield configSectionFeature(auditConfigSection);
    yield recorderServiceFactory;
    yield auditPlugin;
  },
});

/** Rows and lines of one process go by one name, which outlives the process where its folder does. */
async function findChain(files: FileTrail, logger: LoggerService): Promise<string> {
  try {
    return await files.findChain();
  } catch (error) {
    // Whether the server starts nevertheless is decided where the trail is opened.
    logger.error(`The audit trail has no usable folder: ${error}`);
    return randomUUID();
  }
}

function describePlaces(settings: AuditConfig, directory: string): string {
  const places = [
    directory,
    ...(settings.usesDatabase ? ['the database'] : []),
    ...(settings.usesOpenTelemetry ? ['OpenTelemetry'] : []),
  ];
  return `${places.join(' and ')}, ${settings.failureMode}`;
}
