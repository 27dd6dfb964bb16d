import type { Config } from '@backstage/config';

/** Sections that Backstage and Callboard read. Others may belong to plugins of the operator's own. */
const known: Record<string, readonly string[]> = {
  '': [
    'app',
    'audit',
    'auth',
    'backend',
    'catalog',
    'discovery',
    'integrations',
    'mcpActions',
    'organization',
    'permission',
  ],
  backend: [
    'actions',
    'auditor',
    'auth',
    'baseUrl',
    'cache',
    'cors',
    'csp',
    'database',
    'health',
    'https',
    'lifecycle',
    'listen',
    'logger',
    'metrics',
    'rateLimit',
    'reading',
    'rootHttpRouter',
    'tracing',
    'trustProxy',
  ],
  'backend.auth': ['dangerouslyDisableDefaultAuthPolicy', 'externalAccess', 'keys', 'pluginKeyStore'],
};
/** Short names are too close to others that plugins really use, such as `app` and `aws`. */
const typosAllowedIn = (name: string) => (name.length >= 8 ? 2 : name.length >= 5 ? 1 : 0);

/** Finds keys that are almost those of a section, and would otherwise be passed over without a word. */
export function findMisspelledKeys(config: Config): string[] {
  return Object.entries(known).flatMap(([section, names]) => {
    const found = section === '' ? config.keys() : (config.getOptionalConfig(section)?.keys() ?? []);
    return found
      .filter(key => !names.includes(key))
      .flatMap(key => {
        const meant = names.find(name => countTypos(key.toLowerCase(), name.toLowerCase()) <= typosAllowedIn(name));
        const path = section === '' ? '' : `${section}.`;
        return meant ? [`${path}${key}: there is no such key; did you mean ${path}${meant}?`] : [];
      });
  });
}

/** Levenshtein's distance. */
function countTypos(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[j] as number) + 1, (current[j - 1] as number) + 1));
    }
    previous = current;
  }
  return previous[b.length] as number;
}
