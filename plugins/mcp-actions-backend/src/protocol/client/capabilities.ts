import type { JsonObject } from '@backstage/types';
import type { ClientAbilities, ClientRequest } from '@callboard/actions-api';
import type { ClientCapabilities } from '@modelcontextprotocol/server';

/** What a client that says this of itself can be asked for. */
export function abilitiesOf(capabilities: ClientCapabilities | undefined): ClientAbilities {
  const { elicitation, sampling, roots } = capabilities ?? {};
  return {
    // `elicitation: {}` is how clients say forms who know no other mode.
    elicitForm: elicitation !== undefined && (elicitation.form !== undefined || elicitation.url === undefined),
    elicitUrl: elicitation?.url !== undefined,
    sample: sampling !== undefined,
    listRoots: roots !== undefined,
  };
}

/** What a client would have to say of itself to be asked this, and does not; undefined if it says it all. */
export function findMissing(
  requests: readonly ClientRequest[],
  capabilities: ClientCapabilities | undefined,
): JsonObject | undefined {
  const can = abilitiesOf(capabilities);
  const modes: JsonObject = {};
  const missing: JsonObject = {};
  for (const request of requests) {
    switch (request.method) {
      case 'elicitation/create':
        if (request.params.mode === 'url' && !can.elicitUrl) {
          modes.url = {};
        } else if (request.params.mode !== 'url' && !can.elicitForm) {
          modes.form = {};
        }
        break;
      case 'sampling/createMessage': {
        const needsTools = request.params.tools !== undefined || request.params.toolChoice !== undefined;
        if (needsTools && !capabilities?.sampling?.tools) {
          missing.sampling = { tools: {} };
        } else if (!can.sample) {
          missing.sampling ??= {};
        }
        break;
      }
      case 'roots/list':
        if (!can.listRoots) {
          missing.roots = {};
        }
        break;
    }
  }
  if (Object.keys(modes).length > 0) {
    missing.elicitation = modes;
  }
  return Object.keys(missing).length > 0 ? missing : undefined;
}
