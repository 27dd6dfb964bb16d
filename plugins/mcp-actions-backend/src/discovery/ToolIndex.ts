import { createRequire } from 'node:module';
import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import { type ActionEffect, effectOf } from '@callboard/actions-api';
import type MiniSearch from 'minisearch';
import type { PublishedTool, ToolList } from '../tools/ToolList.js';
import { conceptsOf, isFiller, stem, wordsOf } from './searchWords.js';

/** How often the words of a text are counted. */
const WEIGHTS = { name: 3, title: 3, description: 2, plugin: 2, examples: 2, inputs: 1 };
/** What a hit counts for that is no hit of the word itself. */
const SYNONYM_WEIGHT = 0.95;
const MISSPELT_WEIGHT = 0.5;
/** Where nothing else decides, what removes or replaces something is the last that is meant. */
const EFFECT_WEIGHTS: Readonly<Record<ActionEffect, number>> = {
  execute: 1.1,
  read: 1.05,
  create: 1.05,
  update: 1,
  replace: 0.95,
  delete: 0.9,
};
/** How much it matters that many words of the query are found, and that they are many of the title's. */
const COVERAGE_POWER = 0.35;
const TITLE_SHARE = 0.5;
/** Each further tool that does much the same to the same thing counts for so much of the one before. */
const ALIKE_WEIGHT = 0.6;
const MAX_QUERY_WORDS = 24;
const MAX_QUERY_CHARACTERS = 1_000;
const MIN_PREFIX_CHARACTERS = 4;
const MIN_MISSPELT_CHARACTERS = 5;
const MISSPELT_SHARE = 0.3;
const MAX_DEPTH = 6;

const require = createRequire(import.meta.url);

/** A tool, by its place in the list, and how well it fits. */
interface Ranked {
  readonly id: number;
  readonly score: number;
}

/** Finds tools of one list by words, ranked by BM25 over all that is said of a tool. */
export class ToolIndex {
  readonly #published: readonly PublishedTool[];
  /** Per tool, the terms of each word of its title. */
  readonly #titles: readonly (readonly string[][])[];
  readonly #kinds: readonly string[];
  readonly #search: MiniSearch;

  constructor({ published }: ToolList) {
    this.#published = published;
    this.#titles = published.map(({ action }) => termsOf(action.title));
    this.#kinds = published.map(({ action }) => kindOf(action));
    // Loaded with the first search; required, so that searching waits for nothing.
    const Search: typeof MiniSearch = require('minisearch');
    this.#search = new Search({ fields: ['terms'], tokenize: text => text.split(' '), processTerm: term => term });
    this.#search.addAll(
      published.map(({ action, tool }, id) => ({ id, terms: indexedTerms(action, tool.name).join(' ') })),
    );
  }

  /** @returns the tools that fit best, best first; none for a query without a word that is known. */
  find(query: string, limit: number): PublishedTool[] {
    const asked = termsOf(query.slice(0, MAX_QUERY_CHARACTERS)).slice(0, MAX_QUERY_WORDS);
    const sums = new Map<number, { score: number; covered: number }>();
    let known = 0;
    for (const terms of asked) {
      const hits = this.#hitsOf(terms);
      const best = Math.max(0, ...hits.values());
      known += best;
      for (const [id, score] of hits) {
        const sum = sums.get(id) ?? { score: 0, covered: 0 };
        sums.set(id, { score: sum.score + score, covered: sum.covered + best });
      }
    }
    const askedTerms = new Set(asked.flat());
    const ranked = [...sums].map(([id, { score, covered }]) => ({
      id,
      score:
        score *
        (covered / known) ** COVERAGE_POWER *
        (1 - TITLE_SHARE + TITLE_SHARE * this.#shareOfTitle(id, askedTerms)) *
        EFFECT_WEIGHTS[effectOf(this.#toolAt(id).action)],
    }));
    return this.#withoutCrowds(ranked)
      .slice(0, limit)
      .map(({ id }) => this.#toolAt(id));
  }

  /** The tools that have a word, or a synonym of it; if none has, those with one that begins or is written like it. */
  #hitsOf([term = '', ...concepts]: readonly string[]): Map<number, number> {
    const hits = new Map<number, number>();
    const add = (text: string, weight: number, options = {}) => {
      for (const { id, score } of this.#search.search(text, options)) {
        hits.set(id, Math.max(hits.get(id) ?? 0, weight * score));
      }
    };
    add(term, 1);
    for (const concept of concepts) {
      add(concept, SYNONYM_WEIGHT);
    }
    if (hits.size === 0) {
      add(term, MISSPELT_WEIGHT, {
        prefix: term.length >= MIN_PREFIX_CHARACTERS,
        fuzzy: term.length >= MIN_MISSPELT_CHARACTERS ? MISSPELT_SHARE : false,
      });
    }
    return hits;
  }

  #shareOfTitle(id: number, asked: ReadonlySet<string>): number {
    const title = this.#titles[id] ?? [];
    return title.filter(terms => terms.some(term => asked.has(term))).length / Math.max(1, title.length);
  }

  /** Tools that are much alike must not keep all others off the first places. */
  #withoutCrowds(ranked: readonly Ranked[]): Ranked[] {
    const seen = new Map<string, number>();
    return [...ranked]
      .sort(byScore)
      .map(({ id, score }) => {
        const kind = this.#kinds[id] as string;
        const before = seen.get(kind) ?? 0;
        seen.set(kind, before + 1);
        return { id, score: score * ALIKE_WEIGHT ** before };
      })
      .sort(byScore);
  }

  #toolAt(id: number): PublishedTool {
    return this.#published[id] as PublishedTool;
  }
}

function byScore(a: Ranked, b: Ranked): number {
  return b.score - a.score || a.id - b.id;
}

/** What a tool works on and what it does to it: a name begins with the verb, so that `get-pod` and `list-pods` are of one kind. */
function kindOf(action: ActionsServiceAction): string {
  return [action.pluginId, ...wordsOf(action.name).slice(1).map(stem), effectOf(action)].join(' ');
}

/** The words of a text that say something, each with what it is a synonym of. */
function termsOf(text: string): string[][] {
  const words = wordsOf(text).filter(word => !isFiller(word));
  return [...new Set(words.map(stem))].map(term => [term, ...conceptsOf(term)]);
}

function indexedTerms(action: ActionsServiceAction, toolName: string): string[] {
  const texts: Record<keyof typeof WEIGHTS, string> = {
    name: toolName,
    title: action.title,
    description: action.description,
    plugin: action.pluginId,
    inputs: propertyTexts(action.schema.input).join(' '),
    examples: (action.examples ?? []).map(({ title }) => title).join(' '),
  };
  return Object.entries(WEIGHTS).flatMap(([field, weight]) => {
    const terms = wordsOf(texts[field as keyof typeof WEIGHTS])
      .filter(word => !isFiller(word))
      .map(stem)
      .flatMap(term => [term, ...conceptsOf(term)]);
    return Array.from({ length: weight }, () => terms).flat();
  });
}

/** Names and descriptions of the properties of a JSON Schema, however deep, up to a limit. */
function propertyTexts(schema: unknown, depth = 0): string[] {
  if (typeof schema !== 'object' || schema === null || depth > MAX_DEPTH) {
    return [];
  }
  const { properties, items, anyOf, oneOf, allOf, description } = schema as Record<string, unknown>;
  const parts = [items, anyOf, oneOf, allOf].flat();
  return [
    ...(depth > 0 && typeof description === 'string' ? [description] : []),
    ...Object.entries((properties as object | undefined) ?? {}).flatMap(([name, property]) => [
      name,
      ...propertyTexts(property, depth + 1),
    ]),
    ...parts.flatMap(part => propertyTexts(part, depth + 1)),
  ];
}
