import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TlsServer {
  readonly port: number;
  /** The certificate to trust. */
  readonly ca: string;
  stop(): Promise<void>;
}

/** A website with a certificate of its own, on this machine under any of the given names. */
export async function startTlsServer(
  hosts: string[],
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<TlsServer> {
  const { key, cert } = makeCertificate(hosts);
  const server = createServer({ key, cert }, handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    ca: cert,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function makeCertificate(hosts: string[]): { key: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'callboard-cert-'));
  try {
    const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const names = hosts.map(host => `${/^[\d.]+$/.test(host) ? 'IP' : 'DNS'}:${host}`).join(',');
    const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const about = ['-subj', '/CN=test', '-addext', `subjectAltName=${names}`, '-days', '2'];
    execFileSync('openssl', ['req', '-x509', ...newKey, ...about, '-keyout', keyFile, '-out', certFile], {
      stdio: 'pipe',
    });
    return { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
