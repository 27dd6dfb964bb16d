import { ConflictError, InputError, NotFoundError } from '@backstage/errors';
import type { JsonObject } from '@backstage/types';
import type { DefinitionPinning } from './DefinitionPinning.js';
import type { AcceptedDefinition, DefinitionStore, SeenDefinition } from './DefinitionStore.js';
import { changedParts } from './definitions.js';

export const definitionStates = ['held', 'accepted'] as const;
export type DefinitionState = (typeof definitionStates)[number];

/** An action that nobody has accepted as it is. */
export interface HeldDefinition {
  actionId: string;
  change: 'new' | 'changed';
  fingerprint: string;
  /** When a process last started to publish it so. */
  seenAt: string;
  definition: JsonObject;
  /** What was accepted last, and what is different now. */
  accepted?: { fingerprint: string; definition: JsonObject; acceptedAt: string; acceptedBy: string };
  changedParts?: string[];
}

export interface ShownAcceptedDefinition {
  actionId: string;
  fingerprint: string;
  definition: JsonObject;
  acceptedAt: string;
  acceptedBy: string;
}

/** Which definitions an operator accepts, and as what they saw them. */
export interface Acceptance {
  readonly actionIds: 'all' | readonly string[];
  /** By action id. */
  readonly fingerprints?: Readonly<Record<string, string>>;
}

/** What operators see of definitions and decide about them. */
export class DefinitionReview {
  readonly #store: DefinitionStore;
  readonly #pinning: DefinitionPinning;
  readonly #survey: () => Promise<void>;
  readonly #now: () => Date;

  constructor(options: {
    store: DefinitionStore;
    pinning: DefinitionPinning;
    /** Has the pinning asked about every action there is. */
    survey: () => Promise<void>;
    now: () => Date;
  }) {
    this.#store = options.store;
    this.#pinning = options.pinning;
    this.#survey = options.survey;
    this.#now = options.now;
  }

  async listHeld(): Promise<HeldDefinition[]> {
    const { held, accepted } = await this.#findHeld();
    return held.map(seen => showHeld(seen, accepted.get(seen.actionId)));
  }

  async listAccepted(): Promise<ShownAcceptedDefinition[]> {
    return (await this.#store.listAccepted()).map(showAccepted);
  }

  /**
   * Accepts definitions as the operator saw them.
   *
   * @returns the ids of the accepted actions.
   * @throws NotFoundError if nothing of that id is held.
   * @throws ConflictError if one has changed since the operator looked; then none is accepted.
   */
  async accept({ actionIds, fingerprints }: Acceptance, by: string): Promise<string[]> {
    const { held } = await this.#findHeld();
    const wanted = actionIds === 'all' ? held : this.#select(held, actionIds);
    if (fingerprints) {
      assertAsSeen(wanted, fingerprints, { isComplete: actionIds === 'all' });
    } else if (actionIds !== 'all') {
      throw new InputError('fingerprints: expected the fingerprint of each action as it was shown, got nothing');
    }
    if (wanted.length > 0) {
      await this.#store.accept(wanted, this.#now().toISOString(), by);
      await this.#pinning.refresh();
    }
    return wanted.map(({ actionId }) => actionId);
  }

  #select(held: readonly SeenDefinition[], actionIds: readonly string[]): SeenDefinition[] {
    return [...new Set(actionIds)].map(id => {
      const found = held.find(({ actionId }) => actionId === id);
      if (!found) {
        throw new NotFoundError(`actionIds: no definition of ${JSON.stringify(id)} waits to be accepted`);
      }
      return found;
    });
  }

  async #findHeld(): Promise<{ held: SeenDefinition[]; accepted: Map<string, AcceptedDefinition> }> {
    await this.#survey();
    await this.#pinning.recordSeen();
    const [current, acceptedList] = await Promise.all([this.#store.listCurrent(), this.#store.listAccepted()]);
    const accepted = new Map(acceptedList.map(definition => [definition.actionId, definition]));
    return {
      held: current.filter(({ actionId, fingerprint }) => accepted.get(actionId)?.fingerprint !== fingerprint),
      accepted,
    };
  }
}

/** @param options.isComplete - there must be nothing besides what was seen, and nothing less. */
function assertAsSeen(
  wanted: readonly SeenDefinition[],
  fingerprints: Readonly<Record<string, string>>,
  { isComplete }: { isComplete: boolean },
): void {
  const seen = new Map(Object.entries(fingerprints));
  const surplus = [...seen.keys()].filter(id => isComplete && !wanted.some(({ actionId }) => actionId === id));
  const other = wanted.filter(({ actionId, fingerprint }) => seen.get(actionId) !== fingerprint);
  const changed = [...surplus, ...other.map(({ actionId }) => actionId)];
  if (changed.length > 0) {
    throw new ConflictError(
      `fingerprints: the definitions are not those that wait now: ${changed.join(', ')}; nothing was accepted, look again`,
    );
  }
}

function showHeld(
  { actionId, fingerprint, seenAt, text }: SeenDefinition,
  before?: AcceptedDefinition,
): HeldDefinition {
  const definition = JSON.parse(text) as JsonObject;
  const shown = { actionId, fingerprint, seenAt, definition };
  if (!before) {
    return { ...shown, change: 'new' };
  }
  const { actionId: _, ...accepted } = showAccepted(before);
  return { ...shown, change: 'changed', accepted, changedParts: changedParts(accepted.definition, definition) };
}

function showAccepted({ actionId, fingerprint, text, acceptedAt, acceptedBy }: AcceptedDefinition) {
  return { actionId, fingerprint, definition: JSON.parse(text) as JsonObject, acceptedAt, acceptedBy };
}
