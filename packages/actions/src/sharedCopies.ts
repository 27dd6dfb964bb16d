import { createRequire } from 'node:module';

/*
 * Packages that Backstage's services load anyhow, as CommonJS. Imported, they would be there a second time, as ES
 * modules: 60 files that every start reads and that stay in memory.
 */
const require = createRequire(import.meta.url);

export const { Minimatch }: typeof import('minimatch') = require('minimatch');
/** zod 3, which Backstage hands to the callbacks of actions that are written that way. */
export const zodV3: typeof import('zod/v3').z = require('zod/v3').z;
export const { zodToJsonSchema }: typeof import('zod-to-json-schema') = require('zod-to-json-schema');
