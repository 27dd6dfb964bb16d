import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runServerSuite, type ServerSuiteResult } from './runServerSuite.js';
import { serverSuites } from './serverSuites.js';

declare module 'vitest' {
  interface TaskMeta {
    /** What one run of the suite found, for the table. */
    conformance?: { host: string; suite: string } & Pick<ServerSuiteResult, 'required' | 'others'>;
  }
}

/** Where the suite finds a server, and what ends it. */
export interface ServerUnderTest {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Holds a server to every required scenario of every suite.
 *
 * @param host - how the table calls it.
 */
export function describeServerConformance(host: string, start: () => Promise<ServerUnderTest>): void {
  describe(host, () => {
    let server: ServerUnderTest | undefined;
    beforeAll(async () => {
      server = await start();
    }, 120_000);
    afterAll(() => server?.stop());

    it.for(serverSuites)(
      'passes all $requiredCount required scenarios of $name',
      { timeout: 160_000 },
      async (suite, { task }) => {
        const { url } = server as ServerUnderTest;

        const { exitCode, required, others, output } = await runServerSuite(url, suite);

        task.meta.conformance = { host, suite: suite.name, required, others };
        expect(
          required.flatMap(({ problems }) => problems),
          'failed checks of required scenarios',
        ).toEqual([]);
        expect(required, output).toHaveLength(suite.requiredCount);
        expect(required.map(({ name }) => name).sort()).toEqual(
          [...(suite.required ?? required.map(({ name }) => name))].sort(),
        );
        expect(exitCode, output).toBe(0);
      },
    );
  });
}
