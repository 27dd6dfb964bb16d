import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { freePort, startRedis } from '@callboard/test-utils';
import { RemoteSource } from './RemoteSource.mjs';
import { ReplicaProcess } from './ReplicaProcess.mjs';
import { RoundRobinProxy } from './RoundRobinProxy.mjs';
import { createTables } from './tables.mjs';

const replicaCount = 3;
const auditPackage = dirname(createRequire(import.meta.url).resolve('@callboard/plugin-audit-backend/package.json'));
// The one that docs/auth.md shows.
const passwordHash = 'scrypt$48jYa7QCdERKJC4w1WIgtA==$yBpGBTJqPmXfmAlS8kFzcjdMDZmifJiRkZApYG2H/oc=';

/**
 * Three replicas behind a proxy, as docs/deploying.md has it, on a database and a Redis of their own.
 */
export class Deployment {
  #closers = [];

  /**
   * @param {{ postgres: import('./OwnPostgres.mjs').OwnPostgres, prepareAudit?: (folder: string) => () => void,
   *   shiftsClocks?: boolean }} options `prepareAudit` makes the audit folder what a scenario needs, and returns how to
   * undo it; with `shiftsClocks`, replicas have `shiftClock`.
   */
  static async open(options) {
    const deployment = new Deployment();
    try {
      await deployment.#open(options);
    } catch (error) {
      await deployment.close();
      throw error;
    }
    return deployment;
  }

  async #open({ postgres, prepareAudit, shiftsClocks = false }) {
    const closers = this.#closers;
    const random = () => randomBytes(24).toString('base64url');
    this.token = random();
    this.opsToken = random();
    this.postgres = postgres;
    this.folder = mkdtempSync(join(tmpdir(), 'callboard-faults-'));
    closers.push(() => rmSync(this.folder, { recursive: true, force: true }));
    this.auditFolder = join(this.folder, 'audit');
    mkdirSync(this.auditFolder);
    if (prepareAudit) {
      closers.push(prepareAudit(this.auditFolder));
    }
    const database = await postgres.openDatabase();
    closers.push(database.close);
    this.db = database.db;
    await createTables(this.db);
    this.redis = await startRedis();
    closers.push(this.redis.drop);
    this.source = await RemoteSource.start();
    closers.push(() => this.source.stop());

    this.port = await freePort();
    const configFile = join(this.folder, 'faults.json');
    writeFileSync(configFile, JSON.stringify(this.#config()));
    const env = {
      ...database.env,
      CALLBOARD_URL: `http://localhost:${this.port}`,
      REDIS_URL: this.redis.url,
      MCP_TOKEN: this.token,
      OPS_TOKEN: this.opsToken,
      ADMIN_PASSWORD_HASH: passwordHash,
    };
    this.replicas = [];
    for (let number = 1; number <= replicaCount; number += 1) {
      this.replicas.push(await this.#createReplica({ name: String(number), configFile, env, shiftsClocks }));
    }
    for (const replica of this.replicas) {
      replica.launch();
    }
    await Promise.all(this.replicas.map(replica => replica.ready()));
    this.proxy = await RoundRobinProxy.start({ port: this.port, ports: this.replicas.map(({ port }) => port) });
    closers.push(() => this.proxy.stop());
  }

  async #createReplica({ name, configFile, env, shiftsClocks }) {
    const port = await freePort();
    const clockFile = join(this.folder, `clock-${name}`);
    const replica = new ReplicaProcess({
      name,
      port,
      configFile,
      env: {
        ...env,
        APP_CONFIG_backend_listen_port: String(port),
        ...(shiftsClocks && { FAULTS_CLOCK: clockFile }),
      },
    });
    this.#closers.push(() => replica.kill());
    return Object.assign(replica, {
      /** Its clock shows another time from now on. */
      shiftClock(offsetMs) {
        writeFileSync(clockFile, String(offsetMs));
        replica.signal('SIGUSR2');
      },
    });
  }

  /** What goes over app-config.production.yaml. */
  #config() {
    return {
      discovery: { endpoints: [{ target: `${this.source.url}/api/{{pluginId}}`, plugins: ['elsewhere'] }] },
      backend: {
        listen: { host: '127.0.0.1' },
        lifecycle: { serverShutdownDelay: '1s', drainTimeout: '20s' },
        actions: {
          pluginSources: ['faults', 'elsewhere'],
          // Nobody is there to approve.
          mode: 'full_access',
          replicas: { prefix: this.redis.prefix },
        },
        auth: {
          externalAccess: [
            // Without restrictions, as none goes along to other backends.
            { type: 'static', options: { token: this.token, subject: 'mcp-clients' } },
            { type: 'static', options: { token: this.opsToken, subject: 'ops' } },
          ],
        },
      },
      // For access tokens, without people.
      auth: { providers: { guest: {} } },
      audit: { file: { directory: this.auditFolder } },
      safety: { pause: { file: join(this.folder, 'PAUSE') } },
    };
  }

  /** @returns {{ ok: boolean, text: string }} What docs/audit.md has operators run over the files of all replicas. */
  verifyFiles() {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(auditPackage, 'dist/verifyCommand.js'), this.auditFolder],
      { encoding: 'utf8' },
    );
    return { ok: status === 0, text: `${stdout}${stderr}`.trim() };
  }

  /** The same for the rows in the database. */
  async verifyRows() {
    const response = await fetch(`http://127.0.0.1:${this.port}/api/audit/v1/verification`, {
      headers: { authorization: `Bearer ${this.opsToken}` },
    });
    const text = await response.text();
    return { ok: response.ok && JSON.parse(text).ok === true, text: text.slice(0, 2_000) };
  }

  async close() {
    for (const close of this.#closers.splice(0).reverse()) {
      await close();
    }
  }
}
