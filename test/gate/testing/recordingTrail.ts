import { type BackendFeature, createBackendPlugin } from '@backstage/backend-plugin-api';
import { type AuditedCall, type AuditOutcome, type AuditTrail, auditTrailsServiceRef } from '@callboard/actions-api';

/** What a trail was told, in its order. An outcome comes with the call whose intent it ends. */
export interface TrailRecord {
  readonly kind: 'intent' | 'outcome' | 'refusal';
  readonly call: AuditedCall;
  readonly outcome?: AuditOutcome;
}

/** A trail that keeps what it is told, and the plugin that adds it. */
export function recordingTrail(): { records: TrailRecord[]; feature: BackendFeature } {
  const records: TrailRecord[] = [];
  const trail: AuditTrail = {
    id: 'recording',
    async begin(call) {
      records.push({ kind: 'intent', call });
      return { finish: async outcome => void records.push({ kind: 'outcome', call, outcome }) };
    },
    async refuse(call, outcome) {
      records.push({ kind: 'refusal', call, outcome });
    },
  };
  const feature = createBackendPlugin({
    pluginId: 'recorder',
    register(env) {
      env.registerInit({
        deps: { trails: auditTrailsServiceRef },
        async init({ trails }) {
          trails.add(trail);
        },
      });
    },
  });
  return { records, feature };
}
