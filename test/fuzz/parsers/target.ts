import { pureTarget } from '../engine/FuzzTarget.js';
import { type CaseOfKind, kindsOf } from '../engine/kinds.js';
import { cursors } from './cursors.js';
import { eventIds } from './eventIds.js';
import { names } from './names.js';
import { described, longTexts, scrubbed, visible } from './recordTexts.js';
import { sources } from './sources.js';
import { strictJson } from './strictJson.js';
import { toolNames } from './toolNames.js';
import { uriTemplates } from './uriTemplates.js';

/** Functions that read text of others, each against a plain one that does the same. */
export const parsersTarget = pureTarget<CaseOfKind>({
  name: 'parsers',
  about: 'strict JSON, URI templates, cursors, event ids, tool names, patterns, hosts and origins, texts of records',
  weight: 50,
  batchSize: 5_000,
  ...kindsOf([
    strictJson,
    uriTemplates,
    cursors,
    eventIds,
    toolNames,
    names,
    sources,
    scrubbed,
    visible,
    described,
    longTexts,
  ] as never),
});
