import { matchesRedirectPattern } from '../redirects/redirectPatterns.js';

/** Whether a client id is the URL of a metadata document that may be fetched. */
export function isAllowedDocument(clientId: string, patterns: readonly string[]): boolean {
  const hasPath = URL.canParse(clientId) && new URL(clientId).pathname !== '/';
  return clientId.startsWith('https://') && hasPath && matchesRedirectPattern(clientId, patterns);
}

/** Whether the operator named this very document, which then may be in a private network. */
export function isNamedDocument(clientId: string, patterns: readonly string[]): boolean {
  return patterns.includes(clientId) && !clientId.includes('*');
}
