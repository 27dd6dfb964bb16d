import { createServiceFactory, createServiceRef, type ServiceRef } from '@backstage/backend-plugin-api';
import { toError } from '@backstage/errors';
import {
  type AuditEntry,
  type AuditedCall,
  type AuditOutcome,
  type AuditTrail,
  type AuditTrailsService,
  auditTrailsServiceRef,
} from '@callboard/actions-api';

/** The trails of all plugins, as one. */
export class AuditTrails implements AuditTrailsService {
  readonly #trails: AuditTrail[] = [];

  add(trail: AuditTrail): void {
    if (this.#trails.some(({ id }) => id === trail.id)) {
      throw new Error(`There is an audit trail "${trail.id}" already`);
    }
    this.#trails.push(trail);
  }

  /** @throws what the first trail throws that does not let the call run. */
  async begin(call: AuditedCall): Promise<AuditEntry> {
    const entries: AuditEntry[] = [];
    const finish = async (outcome: AuditOutcome) => {
      const failures: unknown[] = [];
      for (const entry of entries) {
        // One that cannot record it leaves the others to hear of it.
        await entry.finish(outcome).catch(error => failures.push(error));
      }
      if (failures.length > 0) {
        throw failures[0];
      }
    };
    for (const trail of this.#trails) {
      try {
        entries.push(await trail.begin(call));
      } catch (error) {
        // Those that have begun are told that the call did not run; the one that failed is the reason.
        const { name, message } = toError(error);
        await finish({ durationMs: 0, error: { name, message } }).catch(() => {});
        throw error;
      }
    }
    return { finish };
  }

  async refuse(call: AuditedCall, outcome: AuditOutcome): Promise<void> {
    await Promise.all(this.#trails.map(trail => trail.refuse(call, outcome)));
  }
}

/** The same service as `auditTrailsServiceRef`, as the invocation path uses it. */
export const auditTrailsImplementationRef = createServiceRef<AuditTrails>({
  id: auditTrailsServiceRef.id,
  scope: 'root',
}) as ServiceRef<AuditTrails, 'root', 'singleton'>;

export const auditTrailsServiceFactory = createServiceFactory({
  service: auditTrailsImplementationRef,
  deps: {},
  factory: () => new AuditTrails(),
});
