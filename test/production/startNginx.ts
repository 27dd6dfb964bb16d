import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '@callboard/test-utils';
import { rootDir } from './ServerProcess.js';

/** Why tests with nginx cannot run; undefined if they can. */
export function whyThereIsNoNginx(): string | undefined {
  const { error } = spawnSync('nginx', ['-v']);
  return error && `nginx cannot be started (${error.message}); get it with: apt-get install nginx-light`;
}

/** The name under which the example serves. */
export const publicName = 'mcp.example.com';

/** A real nginx with docs/examples/nginx.conf. */
export interface Nginx {
  /** Sends a request the way clients from outside do, each over a connection of its own. */
  send(options: {
    method?: string;
    path: string;
    headers?: Record<string, string>;
    body?: unknown;
  }): Promise<IncomingMessage>;
  /** The same, read to its end. */
  ask(options: Parameters<Nginx['send']>[0]): Promise<{ status: number; text: string }>;
  /** Sends nothing more to one of them, or sends to all again; as an operator does, by a reload. */
  passOver(port: number | undefined): Promise<void>;
  stop(): Promise<void>;
}

/** @param ports - of the replicas, in place of those that the example names. */
export async function startNginx(options: { folder: string; ports: readonly number[] }): Promise<Nginx> {
  const { folder, ports } = options;
  const [keyFile, certFile] = [join(folder, 'privkey.pem'), join(folder, 'fullchain.pem')];
  execFileSync(
    'openssl',
    // biome-ignore format: one option and its value a line
    [
      'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
      '-subj', `/CN=${publicName}`, '-addext', `subjectAltName=DNS:${publicName}`,
      '-keyout', keyFile, '-out', certFile,
    ],
    { stdio: 'pipe' },
  );
  const port = await freePort();
  const file = join(folder, 'nginx.conf');
  const config = await adapt({ ports, port, keyFile, certFile });
  writeFileSync(file, config);
  const globals = [`daemon off; pid ${folder}/nginx.pid; error_log stderr;`, ...(isRoot() ? [' user root;'] : [])];
  const child = spawn('nginx', ['-c', file, '-p', folder, '-g', globals.join('')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await listens(child, port);
  const ca = readFileSync(certFile);

  const send: Nginx['send'] = async ({ method = 'POST', path, headers, body }) => {
    const sent = request({
      host: '127.0.0.1',
      port,
      path,
      method,
      headers: { Host: publicName, 'Content-Type': 'application/json', ...headers },
      agent: new Agent({ ca, servername: publicName }),
    });
    sent.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = await once(sent, 'response');
    return response as IncomingMessage;
  };
  return {
    send,
    async ask(given) {
      const response = await send(given);
      return { status: response.statusCode ?? 0, text: await text(response) };
    },
    async passOver(down) {
      writeFileSync(
        file,
        down === undefined ? config : config.replace(`127.0.0.1:${down} `, `127.0.0.1:${down} down `),
      );
      execFileSync('nginx', ['-c', file, '-p', folder, '-g', globals.join(''), '-s', 'reload'], { stdio: 'pipe' });
    },
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

async function adapt(options: {
  ports: readonly number[];
  port: number;
  keyFile: string;
  certFile: string;
}): Promise<string> {
  const { ports, port, keyFile, certFile } = options;
  const replacements: [RegExp, string][] = [
    ...ports.map((each, index): [RegExp, string] => [new RegExp(`replica-${index + 1}:7007`), `127.0.0.1:${each}`]),
    [/listen 80;/, `listen 127.0.0.1:${await freePort()};`],
    [/listen 443 ssl;/, `listen 127.0.0.1:${port} ssl;`],
    [/\/etc\/nginx\/tls\/fullchain\.pem/, certFile],
    [/\/etc\/nginx\/tls\/privkey\.pem/, keyFile],
    [/^http \{$/m, 'http {\n    access_log off;'],
  ];
  const example = readFileSync(join(rootDir, 'docs/examples/nginx.conf'), 'utf8');
  return replacements.reduce((config, [what, by]) => {
    if (!what.test(config)) {
      throw new Error(`docs/examples/nginx.conf: expected ${what}, which this test replaces`);
    }
    return config.replace(what, by);
  }, example);
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

async function listens(child: ChildProcess, port: number): Promise<void> {
  let said = '';
  child.stderr?.on('data', chunk => {
    said += chunk;
  });
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isThere = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isThere) {
      return;
    }
    if (child.exitCode !== null) {
      throw new Error(`nginx has ended: ${said}`);
    }
    await delay(20);
  }
}
