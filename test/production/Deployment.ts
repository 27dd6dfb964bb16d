import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPostgres, startRedis } from '@callboard/test-utils';
import { productionCommand, ServerProcess } from './ServerProcess.js';

type Closer = () => unknown;
type Gated = 'postgres' | 'redis';

/** PostgreSQL and Redis of a deployment's own, and any number of server processes on them. */
export class Deployment {
  /** What docs/deploying.md asks for, and nothing else. */
  readonly env: Record<string, string>;
  readonly folder: string;
  readonly #closers: Closer[];

  private constructor(options: Pick<Deployment, 'env' | 'folder'> & { closers: Closer[] }) {
    this.env = options.env;
    this.folder = options.folder;
    this.#closers = options.closers;
  }

  /** @param options.through - puts something between the servers and one of the two. */
  static async open(options: { through?: (what: Gated, url: URL) => Promise<URL> } = {}): Promise<Deployment> {
    const { through = async (_what, url) => url } = options;
    const closers: Closer[] = [];
    const folder = mkdtempSync(join(tmpdir(), 'callboard-production-'));
    closers.push(() => rmSync(folder, { recursive: true, force: true }));
    const postgres = await openPostgres();
    closers.push(postgres.drop);
    const redis = await startRedis();
    closers.push(redis.drop);
    const database = await through('postgres', new URL(postgres.url));
    const redisUrl = await through('redis', new URL(redis.url));
    const random = () => randomBytes(24).toString('base64url');
    const env = {
      CALLBOARD_URL: 'https://mcp.example.com',
      POSTGRES_HOST: database.hostname,
      POSTGRES_PORT: database.port,
      POSTGRES_USER: database.username,
      POSTGRES_PASSWORD: database.password || random(),
      POSTGRES_DATABASE: database.pathname.slice(1),
      REDIS_URL: redisUrl.href,
      MCP_TOKEN: random(),
      OPS_TOKEN: random(),
      // The one that docs/auth.md shows.
      ADMIN_PASSWORD_HASH: 'scrypt$48jYa7QCdERKJC4w1WIgtA==$yBpGBTJqPmXfmAlS8kFzcjdMDZmifJiRkZApYG2H/oc=',
    };
    return new Deployment({ env, folder, closers });
  }

  /**
   * Starts one more process, and does not wait for it.
   *
   * @param options.config - a file that goes over those of production.
   */
  async start(
    options: Omit<Parameters<typeof ServerProcess.start>[0], 'env' | 'folder'> & {
      config?: object;
      env?: Record<string, string>;
      folder?: string;
    } = {},
  ): Promise<ServerProcess> {
    const { config, env, folder = this.folder, command = productionCommand, ...rest } = options;
    const file = join(this.folder, 'more.json');
    if (config) {
      writeFileSync(file, JSON.stringify(config));
    }
    const server = await ServerProcess.start({
      ...rest,
      folder,
      command: config ? [...command, '--config', file] : command,
      env: { ...this.env, ...env },
    });
    this.#closers.push(() => server.kill());
    return server;
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) {
      await close();
    }
  }
}
