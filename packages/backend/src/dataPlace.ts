import type { Config } from '@backstage/config';

interface Connection {
  directory?: string;
  filename?: string;
  host?: string;
  port?: number | string;
  database?: string;
  connectionString?: string;
}

/** Says where plugins keep their data, without passwords. */
export function describeDataPlace(config: Config): string {
  const client = config.getOptionalString('backend.database.client');
  const connection = readConnection(config);
  switch (client) {
    case 'better-sqlite3':
    case 'sqlite3':
      return connection.directory && connection.filename !== ':memory:'
        ? `SQLite files in ${connection.directory}`
        : 'in memory, gone when the server stops';
    case 'pg':
    case 'mysql2':
      return `${client === 'pg' ? 'PostgreSQL' : 'MySQL'} at ${describeServer(connection)}`;
    case undefined:
      return 'nowhere: backend.database is not set';
    default:
      return client;
  }
}

function readConnection(config: Config): Connection {
  const connection = config.getOptional('backend.database.connection');
  if (typeof connection === 'string') {
    return connection.includes('://') ? { connectionString: connection } : { filename: connection };
  }
  return typeof connection === 'object' && connection !== null ? (connection as Connection) : {};
}

function describeServer({ connectionString, host = 'localhost', port, database }: Connection): string {
  if (connectionString !== undefined) {
    const url = URL.canParse(connectionString) ? new URL(connectionString) : undefined;
    return url ? `${url.host || 'localhost'}${url.pathname.replace(/^\/$/, '')}` : 'the configured connection string';
  }
  return `${host}${port === undefined ? '' : `:${port}`}${database ? `/${database}` : ''}`;
}
