import type { FuzzTarget, OpenTarget } from '../engine/FuzzTarget.js';
import { type CaseOfKind, kindsOf } from '../engine/kinds.js';
import { HttpWire } from '../server/HttpWire.js';
import { startStage } from '../server/startStage.js';
import { modernApprovals, sessionApprovals } from './approvals.js';
import { conversations } from './conversations.js';
import { deprecatedStreams } from './deprecatedStreams.js';

/** Whatever clients say, and in whatever order, the server answers as the protocol has it, and goes on. */
export const protocolTarget: FuzzTarget<CaseOfKind> = {
  name: 'protocol',
  about: 'messages of both eras, batches, sessions, streams that are resumed, cursors, state of questions, over HTTP',
  weight: 3,
  batchSize: 250,
  async open(): Promise<OpenTarget<CaseOfKind>> {
    const stage = await startStage();
    const wire = new HttpWire({ port: stage.port });
    const context = { stage, wire };
    const { cases, check } = kindsOf([
      conversations(context),
      modernApprovals(context),
      sessionApprovals(context),
      deprecatedStreams(context),
    ] as never);
    return {
      cases,
      check: given => stage.during(async () => check(given)),
      settle: () => stage.settle(),
      async close() {
        wire.close();
        await stage.stop();
      },
    };
  },
};
