import { createServiceFactory, createServiceRef, type ServiceRef } from '@backstage/backend-plugin-api';
import {
  type ActionCall,
  type ActionGate,
  type ActionGateStage,
  type ActionGatesService,
  actionGateStages,
  actionGatesServiceRef,
} from '@callboard/actions-api';

/** The gates of all plugins, by the stage at which they are asked. */
export class ActionGateChecks implements ActionGatesService {
  readonly #gates: ActionGate[] = [];
  readonly #byStage = new Map<ActionGateStage, ActionGate[]>();

  add(gate: ActionGate): void {
    if (this.#gates.some(({ id }) => id === gate.id)) {
      throw new Error(`There is a gate "${gate.id}" already`);
    }
    // One of a stage that does not exist would never be asked, and so let everything through.
    if (!actionGateStages.includes(gate.stage)) {
      throw new Error(
        `Gate "${gate.id}": expected one of the stages ${actionGateStages.join(', ')}, got ${gate.stage}`,
      );
    }
    this.#gates.push(gate);
    this.#byStage.set(gate.stage, [...this.at(gate.stage), gate]);
  }

  at(stage: ActionGateStage): readonly ActionGate[] {
    return this.#byStage.get(stage) ?? [];
  }

  /** @throws what the first refusing gate of the stage throws. */
  check(stage: ActionGateStage, call: ActionCall): void | Promise<void> {
    const gates = this.#byStage.get(stage);
    return gates && checkAll(gates, call);
  }
}

async function checkAll(gates: readonly ActionGate[], call: ActionCall): Promise<void> {
  for (const gate of gates) {
    await gate.check(call);
  }
}

/** The same service as `actionGatesServiceRef`, as the invocation path uses it. */
export const actionGateChecksServiceRef = createServiceRef<ActionGateChecks>({
  id: actionGatesServiceRef.id,
  scope: 'root',
}) as ServiceRef<ActionGateChecks, 'root', 'singleton'>;

export const actionGatesServiceFactory = createServiceFactory({
  service: actionGateChecksServiceRef,
  deps: {},
  factory: () => new ActionGateChecks(),
});
