import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoredOAuthClientInformation, StoredOAuthTokens } from '@modelcontextprotocol/client';
import { withLock } from './withLock.js';

/** What is kept for one MCP server. */
export interface Credentials {
  readonly url: string;
  readonly client?: StoredOAuthClientInformation;
  readonly tokens?: StoredOAuthTokens;
  /** When the access token ends, as far as the server has said. */
  readonly expiresAtMs?: number;
  /** Of the address that the client was registered with. */
  readonly callbackPort?: number;
  /** Where the authorization server takes tokens back (RFC 7009). */
  readonly revocationEndpoint?: string;
}

/** The credentials of one person on this machine, a file per MCP server that nobody else can read. */
export class CredentialStore {
  readonly #folder: string;

  /** @param options.folder - made when the first file is written. */
  constructor(options: { folder: string }) {
    this.#folder = join(options.folder, 'credentials');
  }

  async find(url: string): Promise<Credentials | undefined> {
    const credentials = await this.#read(this.#fileOf(url));
    return credentials?.url === url ? credentials : undefined;
  }

  async save(credentials: Credentials): Promise<void> {
    await this.#makeFolder();
    const file = this.#fileOf(credentials.url);
    const draft = `${file}.${randomBytes(6).toString('hex')}`;
    await writeFile(draft, JSON.stringify(credentials, undefined, 2), { mode: 0o600 });
    await rename(draft, file);
  }

  async remove(url: string): Promise<void> {
    await rm(this.#fileOf(url), { force: true });
  }

  async list(): Promise<Credentials[]> {
    const names = await readdir(this.#folder).catch(() => [] as string[]);
    const all = await Promise.all(
      names.filter(name => name.endsWith('.json')).map(name => this.#read(join(this.#folder, name))),
    );
    return all.filter(credentials => credentials !== undefined);
  }

  /** Keeps the other commands of this person from signing in, or using up a refresh token, at the same time. */
  async lock<T>(url: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#makeFolder();
    return withLock(`${this.#fileOf(url)}.lock`, signal, work);
  }

  #fileOf(url: string): string {
    return join(this.#folder, `${createHash('sha256').update(url).digest('hex').slice(0, 32)}.json`);
  }

  async #makeFolder(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await chmod(this.#folder, 0o700);
  }

  async #read(file: string): Promise<Credentials | undefined> {
    try {
      const credentials = JSON.parse(await readFile(file, 'utf8')) as Credentials;
      return typeof credentials?.url === 'string' ? credentials : undefined;
    } catch {
      // None yet, or cut off while it was written: the person signs in again.
      return undefined;
    }
  }
}
