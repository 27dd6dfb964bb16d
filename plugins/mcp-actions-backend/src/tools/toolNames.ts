import { createHash } from 'node:crypto';
import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';

export interface ToolNaming {
  /** Whether names begin with the plugin's id. */
  namespaced: boolean;
  /** `dotted`: `plugin.action`; `safe`: `plugin_action`, only of `a-z0-9_-`, at most 64 characters. */
  style: 'dotted' | 'safe';
}

/** Tool names both ways, and where two actions wanted the same one. */
export interface ToolNames {
  readonly idOf: ReadonlyMap<string, string>;
  readonly nameOf: ReadonlyMap<string, string>;
  /** Each with the ids that wanted the name and the names that they got. */
  readonly collisions: readonly { wanted: string; given: { id: string; name: string }[] }[];
}

type Nameable = Pick<ActionsServiceAction, 'id' | 'pluginId' | 'name'>;

const SAFE_MAX = 64;

/**
 * Gives every action its tool name, depending on nothing but the set of actions. Where several
 * want the same name, none of them gets it: each gets its namespaced name, and where that is taken,
 * too, one that ends in a hash of its id.
 */
export function assignToolNames(actions: readonly Nameable[], naming: ToolNaming): ToolNames {
  const byWanted = new Map<string, Nameable[]>();
  for (const action of [...actions].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    const wanted = baseName(action, naming);
    byWanted.set(wanted, [...(byWanted.get(wanted) ?? []), action]);
  }
  const idOf = new Map<string, string>();
  const nameOf = new Map<string, string>();
  const collisions: ToolNames['collisions'][number][] = [];
  const give = (name: string, id: string) => {
    idOf.set(name, id);
    nameOf.set(id, name);
  };
  for (const [wanted, claimants] of byWanted) {
    const [only, ...others] = claimants;
    if (only && others.length === 0) {
      give(wanted, only.id);
    }
  }
  for (const [wanted, claimants] of byWanted) {
    if (claimants.length < 2) {
      continue;
    }
    const given = claimants.map(action => {
      const spelledOut = baseName(action, { ...naming, namespaced: true });
      const isFree = !byWanted.has(spelledOut) && !idOf.has(spelledOut);
      const name = isFree ? spelledOut : withHash(spelledOut, action.id, naming);
      give(name, action.id);
      return { id: action.id, name };
    });
    collisions.push({ wanted, given });
  }
  return { idOf, nameOf, collisions };
}

/** Which plugin a namespaced tool name can belong to, to know which source to ask for it. */
export function mayBelongTo(toolName: string, pluginId: string, naming: ToolNaming): boolean {
  return !naming.namespaced || toolName.startsWith(baseName({ id: '', pluginId, name: '' }, naming));
}

function baseName({ id, pluginId, name }: Nameable, { namespaced, style }: ToolNaming): string {
  if (style === 'dotted') {
    return namespaced ? `${pluginId}.${name}` : name;
  }
  const safe = (namespaced ? `${pluginId}_${name}` : name).toLowerCase().replace(/[^a-z0-9_-]/g, '_');
  return safe.length <= SAFE_MAX ? safe : withHash(safe, id, { namespaced, style });
}

function withHash(name: string, id: string, { style }: ToolNaming): string {
  const hash = createHash('sha256').update(id).digest('hex').slice(0, 8);
  return style === 'safe' ? `${name.slice(0, SAFE_MAX - hash.length - 1)}-${hash}` : `${name}-${hash}`;
}
