import { type Nameable, type ToolNaming, wantedName } from './toolNames.js';

/**
 * The names that actions of this backend claim on a server with exact names. Whoever writes such a
 * name into a prompt or a policy relies on it, so that two actions with one name must not start.
 */
export class NameClaims {
  readonly #naming: ToolNaming;
  readonly #configKey: string;
  readonly #claims = new Map<string, { id: string; isExact: boolean }[]>();

  /** @param options.configKey - of the server, such as `mcpActions.servers.ops`. */
  constructor(options: { naming: ToolNaming; configKey: string }) {
    this.#naming = options.naming;
    this.#configKey = options.configKey;
  }

  /** @throws Error if an exact name is another action's, too, or one that the server has itself. */
  claim(action: Nameable): void {
    const name = wantedName(action, this.#naming);
    const claim = { id: action.id, isExact: action.toolName !== undefined };
    const others = this.#claims.get(name) ?? [];
    const other = others.find(({ isExact }) => isExact || claim.isExact);
    if (other) {
      throw new Error(
        `${this.#configKey}.toolNames: exact: expected one action with the tool name "${name}", got "${other.id}" and "${claim.id}"`,
      );
    }
    if (claim.isExact && this.#naming.reserved?.has(name)) {
      throw new Error(
        `${this.#configKey}.toolNames: exact: the action "${claim.id}" has the tool name "${name}", which is that of a tool of the server itself`,
      );
    }
    this.#claims.set(name, [...others, claim]);
  }
}
