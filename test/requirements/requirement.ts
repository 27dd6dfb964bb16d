export type Revision = '2025-11-25' | '2026-07-28';

/** A test by its title, as that stands in the source; or a scenario of the conformance suite. */
export type Proof = { readonly file: string; readonly name: string } | { readonly conformance: string };

/** One sentence of the specification that obliges a server, with a MUST, and what shows that ours does so. */
export interface Requirement {
  /** `<revision>/<page>/<name>`; stays as it is. */
  readonly id: string;
  readonly revision: Revision;
  /** Path below `specification/<revision>`, without its ending. */
  readonly page: string;
  readonly says: string;
  readonly tests: readonly Proof[];
  /** Why there is nothing to prove. */
  readonly notApplicable?: string;
  /** Where and why this server does otherwise. */
  readonly deviation?: string;
}

type Rule = { says: string } & (
  | { tests: readonly Proof[] }
  | { notApplicable: string }
  | { deviation: string; tests?: readonly Proof[] }
);

/** The requirements of one page, under their names. */
export function page(revision: Revision, path: string, rules: Readonly<Record<string, Rule>>): Requirement[] {
  return Object.entries(rules).map(([name, rule]) => ({
    id: `${revision}/${path}/${name}`,
    revision,
    page: path,
    tests: [],
    ...rule,
  }));
}

/** @returns what makes proofs of titles of one file. */
export function titlesOf(file: string): (name: string) => Proof {
  return name => ({ file, name });
}

/** A scenario that the suite requires of servers of the revision. */
export function scenario(name: string): Proof {
  return { conformance: name };
}
