import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments, parse as parseYaml } from 'yaml';
import { healthCommand, lastOf, parseContainerfile, parseCopy } from '../../scripts/lib/containerfile.mjs';
import { productionCommand, rootDir } from './ServerProcess.js';

type Stage = ReturnType<typeof parseContainerfile>[number];

const read = (path: string) => readFileSync(join(rootDir, path), 'utf8');

/** The variables that app-config.production.yaml reads. */
const variables = [
  ...read('app-config.production.yaml')
    .replaceAll(/^ *#.*$/gm, '')
    .matchAll(/\$\{(\w+)\}/g),
].map(([, name]) => name as string);
const { lifecycle } = parseYaml(read('app-config.production.yaml')).backend;
const CLOSING_SECONDS = 10;
const graceSeconds =
  Number.parseInt(lifecycle.serverShutdownDelay, 10) + Number.parseInt(lifecycle.drainTimeout, 10) + CLOSING_SECONDS;

describe('Containerfile', () => {
  const [build, image] = parseContainerfile(read('Containerfile')) as [Stage, Stage];
  const copies = (stage: Stage) =>
    stage.instructions.filter(({ keyword }) => keyword === 'COPY').map(({ value }) => parseCopy(value));

  it('copies what is there, and builds with the script that is there', () => {
    const sources = copies(build).flatMap(({ sources }) => sources);

    expect(sources.filter(source => !existsSync(join(rootDir, source)))).toEqual([]);
    expect(lastOf(build, 'RUN')).toBe('node scripts/stage.mjs ../out');
    expect(existsSync(join(rootDir, 'scripts/stage.mjs'))).toBe(true);
    expect(copies(image)).toEqual([{ from: 'build', sources: ['/out'], target: '.' }]);
  });

  it('runs the server as the tests here do, by Node alone, and not as root', () => {
    expect(JSON.parse(lastOf(image, 'CMD') ?? '')).toEqual(['node', ...productionCommand]);
    expect(lastOf(image, 'USER')).toBe('1000:1000');
    expect(lastOf(image, 'STOPSIGNAL')).toBe('SIGTERM');
    expect(lastOf(image, 'ENV')).toBe('NODE_ENV=production');
    expect(healthCommand(lastOf(image, 'HEALTHCHECK') ?? '')[0]).toBe('node');
  });

  it('has a volume for all that the configuration has the server write', () => {
    const { audit, safety } = parseYaml(read('app-config.production.yaml'));
    const volume = lastOf(image, 'VOLUME');

    const written = [audit.file.directory, safety.pause.file].map((path: string) =>
      join(lastOf(image, 'WORKDIR') ?? '', path),
    );

    expect(written.filter(path => !path.startsWith(`${volume}/`))).toEqual([]);
  });

  it('has its instructions on one line each, so that what cannot be read here is not there', () => {
    expect(() => parseContainerfile('FROM a\nADD b c')).toThrow('got ADD b c');
  });
});

describe('docs/examples', () => {
  it('give every variable a place, and no others', () => {
    const given = [...read('docs/examples/production.env').matchAll(/^(\w+)=/gm)].map(([, name]) => name);

    expect([...given].sort()).toEqual([...new Set(variables)].sort());
  });

  it('wait for as long as a stop may take before they kill', () => {
    const compose = parseYaml(read('docs/examples/compose.yaml'), { merge: true });
    const [set] = parseAllDocuments(read('docs/examples/kubernetes.yaml')).map(document => document.toJS());

    expect(Number.parseInt(compose['x-replica'].stop_grace_period, 10)).toBeGreaterThan(graceSeconds);
    expect(set.spec.template.spec.terminationGracePeriodSeconds).toBeGreaterThan(graceSeconds);
  });

  it('name what the others name: image, port, volume, user, replicas', () => {
    const compose = parseYaml(read('docs/examples/compose.yaml'), { merge: true });
    const [set] = parseAllDocuments(read('docs/examples/kubernetes.yaml')).map(document => document.toJS());
    const [container] = set.spec.template.spec.containers;
    const upstream = [...read('docs/examples/nginx.conf').matchAll(/server (replica-\d):(\d+) /g)];
    const { listen } = parseYaml(read('app-config.production.yaml')).backend;

    expect(upstream.map(([, name]) => name)).toEqual(
      Object.keys(compose.services).filter(name => name.startsWith('replica-')),
    );
    expect(new Set(upstream.map(([, , port]) => Number(port)))).toEqual(new Set([listen.port]));
    expect(container.ports[0].containerPort).toBe(listen.port);
    expect(container.volumeMounts[0].mountPath).toBe('/app/data');
    expect(set.spec.template.spec.securityContext.runAsUser).toBe(1000);
  });

  it('have the proxy come back to a replica before the next one stops', () => {
    const penalties = [...read('docs/examples/nginx.conf').matchAll(/server replica-.*fail_timeout=(\d+)s/g)];

    expect(penalties).toHaveLength(3);
    for (const [, seconds] of penalties) {
      expect(Number(seconds)).toBeLessThan(Number.parseInt(lifecycle.serverShutdownDelay, 10));
    }
  });

  it('probe paths that are there, and liveness for longer than a stop takes', () => {
    const [set] = parseAllDocuments(read('docs/examples/kubernetes.yaml')).map(document => document.toJS());
    const [{ startupProbe, readinessProbe, livenessProbe }] = set.spec.template.spec.containers;

    expect([startupProbe, readinessProbe, livenessProbe].map(({ httpGet }) => httpGet.path)).toEqual([
      '/.backstage/health/v1/readiness',
      '/.backstage/health/v1/readiness',
      '/.backstage/health/v1/liveness',
    ]);
    expect(livenessProbe.periodSeconds * livenessProbe.failureThreshold).toBeGreaterThan(graceSeconds);
  });
});
