import { createHash } from 'node:crypto';
import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import type { NamedAction } from '@callboard/actions-api';

export interface ToolNaming {
  /** Whether names begin with the plugin's id. */
  namespaced: boolean;
  /** `dotted`: `plugin.action`; `safe`: `plugin_action`, only of `a-z0-9_-`, at most 64 characters. */
  style: 'dotted' | 'safe';
  /** Whether an action that declares a tool name of its own has just that. */
  exact?: boolean;
  /** Names of tools that the server has itself. */
  reserved?: ReadonlySet<string>;
}

/** Tool names both ways, and where two actions wanted the same one. */
export interface ToolNames {
  readonly idOf: ReadonlyMap<string, string>;
  readonly nameOf: ReadonlyMap<string, string>;
  /** Each with the ids that wanted the name and the names that they got. */
  readonly collisions: readonly { wanted: string; given: { id: string; name: string }[] }[];
}

export type Nameable = Pick<ActionsServiceAction, 'id' | 'pluginId' | 'name'> & Pick<NamedAction, 'toolName'>;

const SAFE_MAX = 64;
const HASH_CHARACTERS = 8;
const SAFE_MAX_BEFORE_HASH = SAFE_MAX - HASH_CHARACTERS - 1;

/**
 * Gives every action its tool name, depending on nothing but the set of actions. Where several
 * want the same name, or one that the server has itself, none of them gets it: each gets its
 * namespaced name, and where that is taken, too, one that ends in a hash of its id.
 */
export function assignToolNames(actions: readonly Nameable[], naming: ToolNaming): ToolNames {
  const byWanted = new Map<string, Nameable[]>();
  for (const action of [...actions].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    const wanted = wantedName(action, naming);
    byWanted.set(wanted, [...(byWanted.get(wanted) ?? []), action]);
  }
  const idOf = new Map<string, string>();
  const nameOf = new Map<string, string>();
  const collisions: ToolNames['collisions'][number][] = [];
  const give = (name: string, id: string) => {
    idOf.set(name, id);
    nameOf.set(id, name);
  };
  const isReserved = (name: string) => naming.reserved?.has(name) ?? false;
  const isFree = (name: string) => !byWanted.has(name) && !idOf.has(name) && !isReserved(name);
  const isAlone = (wanted: string, claimants: readonly Nameable[]) => claimants.length === 1 && !isReserved(wanted);
  for (const [wanted, claimants] of byWanted) {
    if (isAlone(wanted, claimants)) {
      give(wanted, (claimants[0] as Nameable).id);
    }
  }
  for (const [wanted, claimants] of byWanted) {
    if (isAlone(wanted, claimants)) {
      continue;
    }
    const given = claimants.map(action => {
      const spelledOut = baseName(action, { ...naming, namespaced: true });
      let name = spelledOut;
      for (let attempt = 0; !isFree(name); attempt += 1) {
        name = withHash(spelledOut, attempt === 0 ? action.id : `${action.id}#${attempt}`, naming);
      }
      give(name, action.id);
      return { id: action.id, name };
    });
    collisions.push({ wanted, given });
  }
  return { idOf, nameOf, collisions };
}

/** The name that an action has if nothing else wants it. */
export function wantedName(action: Nameable, naming: ToolNaming): string {
  return (naming.exact ? action.toolName : undefined) ?? baseName(action, naming);
}

/** Which plugin a tool name can belong to, to know which source to ask for it. */
export function mayBelongTo(toolName: string, pluginId: string, naming: ToolNaming): boolean {
  return naming.exact === true || !naming.namespaced || toolName.startsWith(startOfNames(pluginId, naming));
}

/** Of a long id, what is left of it in names that end in a hash. */
function startOfNames(pluginId: string, { style }: ToolNaming): string {
  return style === 'dotted' ? `${pluginId}.` : toSafe(`${pluginId}_`).slice(0, SAFE_MAX_BEFORE_HASH);
}

function baseName({ id, pluginId, name }: Nameable, { namespaced, style }: ToolNaming): string {
  if (style === 'dotted') {
    return namespaced ? `${pluginId}.${name}` : name;
  }
  const safe = toSafe(namespaced ? `${pluginId}_${name}` : name);
  return safe.length <= SAFE_MAX ? safe : withHash(safe, id, { namespaced, style });
}

function toSafe(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9_-]/g, '_');
}

function withHash(name: string, id: string, { style }: ToolNaming): string {
  const hash = createHash('sha256').update(id).digest('hex').slice(0, HASH_CHARACTERS);
  return style === 'safe' ? `${name.slice(0, SAFE_MAX_BEFORE_HASH)}-${hash}` : `${name}-${hash}`;
}
