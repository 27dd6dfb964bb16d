import { createRequire } from 'node:module';

/** This package's own, as MCP servers present it. */
export const version: string = createRequire(import.meta.url)('../package.json').version;
