import { synonymGroups } from './synonyms.js';

/** Longer texts are cut: what matters stands at the beginning. */
const MAX_CHARACTERS = 4_000;
/** What is written in two words and means one. */
const PHRASES: Readonly<Record<string, string>> = {
  'a/b': 'experiment',
  'fail over': 'failover',
  'log in': 'login',
  'log on': 'login',
  'log out': 'logout',
  'look up': 'lookup',
  'on call': 'oncall',
  'roll back': 'rollback',
  'roll out': 'rollout',
  'run out': 'expire',
  'set up': 'setup',
  'shut down': 'stop',
  'sign in': 'login',
  'sign out': 'logout',
  'switch off': 'disable',
  'switch on': 'enable',
  'take over': 'takeover',
  'turn off': 'disable',
  'turn on': 'enable',
};
const PHRASES_PATTERN = new RegExp(
  `\\b(${Object.keys(PHRASES).join('|').replaceAll(' ', '[\\s-]+(?:(?:it|me|him|her|us|them|this|that)\\s+)?')})\\b`,
  'g',
);
/** Whose name it is says less than that it is one; with other endings it may be the name of a tool. */
const HOST_NAMES = /\b(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|app|cloud|internal|local)\b/g;
const VERSION_NUMBERS = /\bv?\d+(?:\.\d+)+\b|\bv\d+\b/g;
const CONCEPT_PREFIX = '~';

/** Words of every sentence, that say nothing of what it is about. */
const FILLERS = new Set(
  (
    'a about all already also am an and any anybody anyone anything anywhere are as at be been being both but by can cannot ' +
    'cant could did do does doing done dont each else ever every everybody everyone everything everywhere for from get gets ' +
    'getting give given go goes got had has have having he hello help her here hey hi him his how i id if ill im in ' +
    'into is isnt it its itself ive just keep keeps kind least let lets like m many me might mine much must my ' +
    'need needed needs no nobody none not of off ok on one only onto or other our ours out over own please put re ' +
    'really right s shall she should so some somebody someone something somewhere soon still such sure t take than that the ' +
    'their them then there these they thing things this those to too up upon us ve very want wanted wants was way we ' +
    'were what whats when whether which while who whom whos whose will with within without wont would yes ' +
    'yet you your'
  ).split(' '),
);

const concepts = new Map<string, string[]>();
for (const [index, group] of synonymGroups.entries()) {
  for (const word of group.split(' ')) {
    const key = stem(word);
    concepts.set(key, [...(concepts.get(key) ?? []), `${CONCEPT_PREFIX}${index}`]);
  }
}

/** Splits a text, a tool name or a property name: at what is no letter or digit, and at camelCase. */
export function wordsOf(text: string): string[] {
  return text
    .slice(0, MAX_CHARACTERS)
    .replace(/(\p{Ll}|\d)(\p{Lu})/gu, '$1 $2')
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .toLowerCase()
    .replace(/['’]/g, '')
    .replace(HOST_NAMES, ' hostname ')
    .replace(VERSION_NUMBERS, ' version ')
    .replace(PHRASES_PATTERN, phrase => PHRASES[phrase.replace(/[\s-]+(?:\w+\s+)?(?=\w+$)/, ' ')] as string)
    .split(/[^\p{L}\p{N}]+/u)
    .filter(word => word !== '');
}

/** Whether a word says nothing of what a sentence is about. */
export function isFiller(word: string): boolean {
  return FILLERS.has(word);
}

/** @returns terms for the groups of synonyms that a stem is in. */
export function conceptsOf(term: string): readonly string[] {
  return concepts.get(term) ?? [];
}

/** What plurals, tenses and nouns of an English word have in common, roughly; other words stay as they are. */
export function stem(word: string): string {
  if (word.length < 4 || !/^[a-z]+$/.test(word)) {
    return word;
  }
  let term = word;
  if (/[^s]s$/.test(term) && !/(us|is)$/.test(term)) {
    term = term
      .replace(/ies$/, 'y')
      .replace(/(x|ch|sh|ss|z)es$/, '$1')
      .replace(/([^s])s$/, '$1');
  }
  if (term.length > 7) {
    term = term.replace(/ment$/, '').replace(/([st])ion$/, '$1');
  }
  const verb = term.replace(term.length > 5 ? /(ing|ed)$/ : /$^/, '');
  if (verb !== term && verb.length > 2 && /[aeiouy]/.test(verb)) {
    term = verb.replace(/([^aeioulsz])\1$/, '$1');
  }
  return term.length > 4 ? term.replace(/e$/, '') : term;
}
