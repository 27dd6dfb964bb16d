import { DatabaseManager } from '@backstage/backend-defaults/database';
import {
  coreServices,
  createServiceFactory,
  createServiceRef,
  type DatabaseService,
  type RootConfigService,
} from '@backstage/backend-plugin-api';
import { type Config, ConfigReader } from '@backstage/config';
import type { JsonObject } from '@backstage/types';

export type DatabaseClient = Awaited<ReturnType<DatabaseService['getClient']>>;

/** The database server that all processes of one deployment share; undefined where each has files of its own. */
export interface DeploymentDatabase {
  /** One connection apart from those of plugins, opened at need: it is there when theirs are all busy. */
  getClient(): Promise<DatabaseClient>;
}

export const deploymentDatabaseServiceRef = createServiceRef<DeploymentDatabase | undefined>({
  id: 'callboard.deploymentDatabase',
  scope: 'root',
});

const ID = 'callboard';
const CONNECT_MS = 2_000;

export const deploymentDatabaseServiceFactory = createServiceFactory({
  service: deploymentDatabaseServiceRef,
  deps: {
    config: coreServices.rootConfig,
    lifecycle: coreServices.rootLifecycle,
    logger: coreServices.rootLogger,
  },
  factory({ config, lifecycle, logger }) {
    if (config.getOptional('backend.database.client') !== 'pg') {
      return undefined;
    }
    // Backstage's manager knows every way to connect that the configuration may name.
    const manager = DatabaseManager.fromConfig(asOneConnection(config), {
      rootLifecycle: lifecycle,
      rootLogger: logger,
    });
    return manager.forPlugin(ID, { logger, lifecycle });
  },
});

/** The same server and database for a client that creates nothing there. */
function asOneConnection(config: RootConfigService): Config {
  const database = config.get<JsonObject>('backend.database');
  // Plugins with a database each have none in common but the one that every server has.
  const common = database.pluginDivisionMode === 'schema' ? {} : { connection: { database: 'postgres' } };
  return new ConfigReader({
    backend: {
      database: {
        ...database,
        pluginDivisionMode: 'schema',
        ensureExists: false,
        ensureSchemaExists: false,
        knexConfig: { pool: { min: 0, max: 1 }, acquireConnectionTimeout: CONNECT_MS },
        plugin: { [ID]: common },
      },
    },
  });
}
