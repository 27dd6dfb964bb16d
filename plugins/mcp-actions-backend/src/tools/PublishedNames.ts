import type { LoggerService } from '@backstage/backend-plugin-api';
import { NameClaims } from './NameClaims.js';
import { assignToolNames, type Nameable, type ToolNames, type ToolNaming, wantedName } from './toolNames.js';

/**
 * The names under which one server publishes its tools, or its prompts: of everything known, those
 * that its allow-list lets out. Worked out once per state of the catalogue, with a line in the log for
 * each collision that is new.
 */
export class PublishedNames {
  readonly #naming: ToolNaming;
  readonly #isEnabled: (name: string) => boolean;
  readonly #logger: LoggerService;
  readonly #describeCollision: (wanted: string, given: string) => string;
  readonly #claims: NameClaims;
  readonly #reported = new Set<string>();
  #current: { fingerprint: string; names: ToolNames } | undefined;

  constructor(options: {
    naming: ToolNaming;
    /** The server's allow-list of names. */
    isEnabled: (name: string) => boolean;
    logger: LoggerService;
    /** @param given - who wanted the name, and what each is published as. */
    describeCollision: (wanted: string, given: string) => string;
    /** Where the server is configured. */
    configKey: string;
  }) {
    this.#naming = options.naming;
    this.#isEnabled = options.isEnabled;
    this.#logger = options.logger;
    this.#describeCollision = options.describeCollision;
    this.#claims = new NameClaims(options);
  }

  /**
   * Told of everything that this backend is about to publish on the server.
   *
   * @throws Error if it is to have the exact name of another one, which must keep the backend from starting.
   */
  claim(nameable: Nameable): void {
    if (this.#naming.exact && this.#isEnabled(wantedName(nameable, this.#naming))) {
      this.#claims.claim(nameable);
    }
  }

  /**
   * @param fingerprint - changes whenever `known` would return something else.
   * @returns the same object until then.
   */
  of(fingerprint: string, known: () => readonly Nameable[]): ToolNames {
    if (this.#current?.fingerprint !== fingerprint) {
      const { idOf, collisions } = assignToolNames(known(), this.#naming);
      const enabled = [...idOf].filter(([name]) => this.#isEnabled(name));
      const names = { idOf: new Map(enabled), nameOf: new Map(enabled.map(([name, id]) => [id, name])), collisions };
      this.#current = { fingerprint, names };
      this.#report(names);
    }
    return this.#current.names;
  }

  #report({ collisions }: ToolNames): void {
    for (const { wanted, given } of collisions) {
      const list = given.map(({ id, name }) => `${id} as "${name}"`).join(', ');
      if (!this.#reported.has(list)) {
        this.#reported.add(list);
        this.#logger.error(this.#describeCollision(wanted, list));
      }
    }
  }
}
