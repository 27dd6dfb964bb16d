import { spawnSync } from 'node:child_process';
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@callboard/test-utils';
import createKnex from 'knex';

const installed = '/usr/lib/postgresql';
const howToGetIt = 'apt-get install postgresql';

/** A PostgreSQL cluster of this run alone, on a free port, which may be stopped and started. */
export class OwnPostgres {
  #programs;
  #folder;
  #owner;
  #names = 0;

  constructor({ programs, folder, port, owner }) {
    this.#programs = programs;
    this.#folder = folder;
    this.#owner = owner;
    this.port = port;
  }

  /** @throws Error that says what is missing. */
  static async start() {
    const programs = findPrograms();
    const owner = findOwner();
    const folder = mkdtempSync(join(tmpdir(), 'callboard-faults-postgres-'));
    if (owner) {
      chownSync(folder, owner.uid, owner.gid);
    }
    const postgres = new OwnPostgres({ programs, folder, owner, port: await freePort() });
    try {
      postgres.#run('initdb', ['-D', postgres.#data, '-U', 'postgres', '-A', 'trust']);
      postgres.start();
    } catch (error) {
      postgres.remove();
      throw error;
    }
    return postgres;
  }

  /** Waits until it takes connections. */
  start() {
    const options = `-p ${this.port} -c listen_addresses=127.0.0.1 -k ${this.#folder}`;
    this.#run('pg_ctl', ['-D', this.#data, '-w', '-s', '-l', join(this.#folder, 'log'), '-o', options, 'start']);
  }

  /** @param {'fast' | 'immediate'} mode `fast` ends connections in order, `immediate` is a crash. */
  stop(mode) {
    this.#run('pg_ctl', ['-D', this.#data, '-w', '-s', '-m', mode, 'stop']);
  }

  /** Of the process that all others of the cluster are children of. */
  get pid() {
    return Number(readFileSync(join(this.#data, 'postmaster.pid'), 'utf8').split('\n')[0]);
  }

  /** A fresh database; `close` drops it. */
  async openDatabase() {
    this.#names += 1;
    const name = `callboard_faults_${this.#names}`;
    await this.#administer(db => db.raw('create database ??', [name]));
    const db = createKnex({ client: 'pg', connection: this.#url(name), pool: { min: 0, max: 4 } });
    return {
      db,
      env: {
        POSTGRES_HOST: '127.0.0.1',
        POSTGRES_PORT: String(this.port),
        POSTGRES_USER: 'postgres',
        POSTGRES_PASSWORD: 'any',
        POSTGRES_DATABASE: name,
      },
      close: async () => {
        await db.destroy();
        await this.#administer(admin => admin.raw('drop database ?? with (force)', [name]));
      },
    };
  }

  /** Ends it, in whatever state it is. */
  remove() {
    try {
      this.stop('immediate');
    } catch {
      // It did not run.
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #data() {
    return join(this.#folder, 'data');
  }

  #url(name) {
    return `postgres://postgres@127.0.0.1:${this.port}/${name}`;
  }

  async #administer(work) {
    const db = createKnex({ client: 'pg', connection: this.#url('postgres'), pool: { min: 0, max: 1 } });
    try {
      await work(db);
    } finally {
      await db.destroy();
    }
  }

  #run(program, args) {
    const { status, error, stderr } = spawnSync(join(this.#programs, program), args, {
      // What pg_ctl leaves running would keep a pipe for its output open.
      stdio: ['ignore', 'ignore', program === 'initdb' ? 'pipe' : 'ignore'],
      cwd: this.#folder,
      encoding: 'utf8',
      ...this.#owner,
    });
    if (status !== 0) {
      throw new Error(`${program} ${args.join(' ')}: expected it to succeed, got ${error ?? stderr ?? status}`);
    }
  }
}

function findPrograms() {
  let versions = [];
  try {
    versions = readdirSync(installed);
  } catch {
    // Not Debian's, or not installed.
  }
  const newest = versions.sort((one, other) => Number(one) - Number(other)).at(-1);
  if (newest !== undefined) {
    return join(installed, newest, 'bin');
  }
  const { stdout, status } = spawnSync('pg_config', ['--bindir'], { encoding: 'utf8' });
  if (status !== 0) {
    throw new Error(`The programs of a PostgreSQL server are not there; get them with: ${howToGetIt}`);
  }
  return stdout.trim();
}

/** PostgreSQL refuses to run as root. */
function findOwner() {
  if (process.getuid?.() !== 0) {
    return undefined;
  }
  const [uid, gid] = ['-u', '-g'].map(option => {
    const { stdout, status } = spawnSync('id', [option, 'postgres'], { encoding: 'utf8' });
    if (status !== 0) {
      throw new Error('root cannot run PostgreSQL, and there is no user postgres to run it');
    }
    return Number(stdout);
  });
  return { uid, gid };
}
