// For Node 20, which lacks `fs.globSync`: the conformance suite imports it by name, though not to test a server.
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

if (isMainThread) {
  register(import.meta.url);
}

const source = `
export * from 'node:fs';
export const globSync = () => { throw new Error('fs.globSync needs Node 22'); };
`;
const url = `data:text/javascript,${encodeURIComponent(source)}`;

export function resolve(specifier, context, nextResolve) {
  const isTheSuite = /\/(@modelcontextprotocol\/conformance|conformance-0\.1)\/dist\//.test(context.parentURL ?? '');
  return specifier === 'fs' && isTheSuite ? { url, shortCircuit: true } : nextResolve(specifier, context);
}
