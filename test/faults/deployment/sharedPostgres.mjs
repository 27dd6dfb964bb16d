import { openPostgres } from '@callboard/test-utils';

/** The server that other tests use, too: gives databases, and is not to be stopped. */
export const sharedPostgres = {
  async openDatabase() {
    const { db, url, drop } = await openPostgres();
    const { hostname, port, username, password, pathname } = new URL(url);
    return {
      db,
      env: {
        POSTGRES_HOST: hostname,
        POSTGRES_PORT: port || '5432',
        POSTGRES_USER: username,
        POSTGRES_PASSWORD: password || 'any',
        POSTGRES_DATABASE: pathname.slice(1),
      },
      close: drop,
    };
  },
};
