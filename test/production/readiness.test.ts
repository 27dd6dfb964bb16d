import { describeOnPostgres, describeWithRedisServer } from '@callboard/test-utils';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Deployment } from './Deployment.js';
import type { ServerProcess } from './ServerProcess.js';
import { type Gate, startGate } from './startGate.js';

await describeOnPostgres('with PostgreSQL', () =>
  describeWithRedisServer('and Redis, readiness', () => {
    const gates: Record<string, Gate> = {};
    let deployment: Deployment;
    let server: ServerProcess;

    beforeAll(async () => {
      deployment = await Deployment.open({
        async through(what, url) {
          const gate = await startGate({ host: url.hostname, port: Number(url.port || 5432) });
          gates[what] = gate;
          const through = new URL(url);
          through.port = String(gate.port);
          through.hostname = '127.0.0.1';
          return through;
        },
      });
      server = await (await deployment.start()).ready();
    });
    afterAll(async () => {
      await deployment?.close();
      await Promise.all(Object.values(gates).map(gate => gate.stop()));
    });

    const gone = { shut: (gate: Gate) => gate.shut(), hold: async (gate: Gate) => gate.hold() };

    it.each([
      ['postgres', 'database', 'shut'],
      ['postgres', 'database', 'hold'],
      ['redis', 'redis', 'shut'],
      ['redis', 'redis', 'hold'],
    ] as const)(
      'names what is away (%s is named %s, %s), and comes back with it; liveness stays',
      async (what, name, how) => {
        const gate = gates[what] as Gate;

        await gone[how](gate);
        await server.until(async () => (await server.health()).status === 503);
        const while_ = [await server.health(), await server.health('liveness')];
        await gate.open();

        expect(while_).toEqual([
          { status: 503, message: `No answer from: ${name}` },
          { status: 200, message: undefined },
        ]);
        await server.ready();
      },
    );
  }),
);
