import { ConfigReader } from '@backstage/config';
import { InputError } from '@backstage/errors';
import type { JsonObject, JsonValue } from '@backstage/types';
import { CallPolicy } from '@callboard/actions';
import { type ConfigSection, findConfigMistakes, readConfigSection } from '@callboard/actions-api';
import fc from 'fast-check';
import { actionsConfigSection, readActionsConfig } from '../../../packages/actions/src/config.js';
import { approvalsConfigSection, readApprovalsConfig } from '../../../plugins/approvals-backend/src/config.js';
import { auditConfigSection, readAuditConfig } from '../../../plugins/audit-backend/src/config.js';
import { authConfigSection, readAuthConfig } from '../../../plugins/auth-backend/src/config.js';
import { mcpConfigSection, readMcpConfig } from '../../../plugins/mcp-actions-backend/src/config.js';
import { readSafetyConfig, safetyConfigSection } from '../../../plugins/safety-backend/src/config.js';
import { hold, holdEqual, thrownBy } from '../engine/expect.js';
import { pureTarget } from '../engine/FuzzTarget.js';
import { mutatedJson } from '../json/mutateJson.js';
import { configKeys, configValues, knownPaths, pathsIn, SECRET_MARK, validSections } from './validConfig.js';

type Reader = (config: ConfigReader) => unknown;

const sections: readonly { section: ConfigSection; read: Reader }[] = [
  { section: actionsConfigSection, read: readActionsConfig },
  { section: mcpConfigSection, read: readMcpConfig },
  { section: authConfigSection, read: readAuthConfig },
  { section: auditConfigSection, read: readAuditConfig },
  { section: approvalsConfigSection, read: readApprovalsConfig },
  { section: safetyConfigSection, read: readSafetyConfig },
];
const allSections = sections.map(({ section }) => section);

/** Other plugins may have keys of their own there. */
const SHARED_SECTION = 'auth';
const ORDER = ['read_only', 'safe', 'delete_safe', 'full_access'];

interface ConfigCase {
  /** By the key of the section. */
  readonly sections: Readonly<Record<string, JsonValue>>;
}

const aSection = fc
  .constantFrom(...(Object.keys(validSections) as (keyof typeof validSections)[]))
  .chain(key =>
    mutatedJson(validSections[key], { keys: configKeys, values: configValues }).map(value => [key, value] as const),
  );

/** What was written holds, or the start ends with its path; nothing else is thrown, and nothing of it is passed over. */
export const configurationTarget = pureTarget<ConfigCase>({
  name: 'configuration',
  about: 'sections of the configuration with typos, wrong types and keys that there are not',
  weight: 10,
  batchSize: 2_000,
  cases: fc.array(aSection, { minLength: 1, maxLength: 3 }).map(given => ({ sections: Object.fromEntries(given) })),
  check({ sections: given }) {
    const config = new ConfigReader(toConfig(given));
    const mistakes = findConfigMistakes(config, allSections);
    const secretsAreInPlace = findStraySecret(given) === undefined;
    // Backstage's reader shows such a key to some and not to others.
    const isSeenAlike = !JSON.stringify(given).includes('"__proto__":');

    for (const mistake of mistakes) {
      hold(
        allSections.some(({ key }) => mistake.startsWith(`${key}.`) || mistake.startsWith(`${key}: `)),
        'a mistake without a path',
        mistake,
      );
      hold(!secretsAreInPlace || !mistake.includes(SECRET_MARK), 'a message with a secret', mistake);
    }
    for (const { section, read } of sections) {
      checkSection({ config, section, read, written: given[section.key], mistakes, secretsAreInPlace, isSeenAlike });
    }
  },
});

function toConfig(given: ConfigCase['sections']): JsonObject {
  const { 'backend.actions': actions, ...others } = given;
  const backend = { baseUrl: 'http://localhost:7007', ...(actions !== undefined && { actions }) };
  return structuredClone({ ...others, backend }) as JsonObject;
}

function checkSection(options: {
  config: ConfigReader;
  section: ConfigSection;
  read: Reader;
  written: JsonValue | undefined;
  mistakes: readonly string[];
  secretsAreInPlace: boolean;
  isSeenAlike: boolean;
}): void {
  const { config, section, read, written, mistakes, secretsAreInPlace, isSeenAlike } = options;
  const isWrong = mistakes.some(mistake => mistake.startsWith(section.key));
  let settings: unknown;
  const error = thrownBy(() => {
    settings = readConfigSection(config, section);
  });
  hold((error !== undefined) === isWrong, 'a section whose mistakes depend on who reads it', error?.message, mistakes);
  const ofReader = thrownBy(() => read(config));
  if (isWrong) {
    for (const thrown of [error, ofReader]) {
      hold(thrown instanceof InputError, 'another error than an InputError', thrown?.stack ?? 'nothing');
      hold(thrown.message.includes(section.key), 'an error without a path', thrown.message);
      hold(!secretsAreInPlace || !thrown.message.includes(SECRET_MARK), 'an error with a secret', thrown.message);
    }
    return;
  }
  // Readers look into other sections, too, all of which have been checked before anything starts.
  hold(
    mistakes.length > 0 || ofReader === undefined || !isSeenAlike,
    'a reader that fails after the check',
    ofReader?.stack,
  );
  // Nothing but a key, as in `audit:`, says nothing.
  const lost = written === undefined || written === null ? undefined : findLost(written, settings, section.key);
  hold(lost === undefined, 'something that was written does not hold', lost, { written, settings });
  const unknown = pathsIn(written, section.key).find(path => !isKnown(path));
  hold(unknown === undefined, 'a key that there is not is taken', unknown);
  if (section.key === 'backend.actions') {
    checkModes(config, settings as never);
  }
}

/** @returns the key of a secret that nobody can know for one: it is called something else. */
function findStraySecret(value: unknown, key = ''): string | undefined {
  if (typeof value === 'string') {
    const isInPlace = secretKeys.includes(key) || /^\s*[[{]/.test(value);
    return value.includes(SECRET_MARK) && !isInPlace ? key : undefined;
  }
  if (typeof value !== 'object' || value === null) {
    return undefined;
  }
  // Items of a list are what the list is called.
  return Object.entries(value)
    .map(([name, item]) => findStraySecret(item, Array.isArray(value) ? key : name))
    .find(stray => stray !== undefined);
}

const secretKeys = ['clientSecret', 'secret', 'passwordHash', 'url', 'redis'];

/** @returns the path of what was written and is not, or not as such, among what holds. */
function findLost(written: JsonValue | undefined, read: unknown, path: string): string | undefined {
  if (Array.isArray(written)) {
    return Array.isArray(read) && read.length === written.length
      ? written.map((item, index) => findLost(item, read[index], `${path}.${index}`)).find(lost => lost !== undefined)
      : path;
  }
  if (typeof written === 'object' && written !== null) {
    if (typeof read !== 'object' || read === null) {
      return path;
    }
    return Object.entries(written)
      .filter(([key]) => !isPassedOver(path, key, written[key]))
      .map(([key, value]) =>
        findLost(value, Object.hasOwn(read, key) ? Reflect.get(read, key) : undefined, `${path}.${key}`),
      )
      .find(lost => lost !== undefined);
  }
  // `${VARIABLE}` in a file always gives text.
  const isSame =
    written === read || (typeof written === 'string' && typeof read !== 'string' && written === String(read));
  return isSame || isNumberAsText(written, read) ? undefined : path;
}

const known = knownPaths();

/** Whether a key is one that there is, or others' own. */
function isKnown(path: string): boolean {
  const [root, key = ''] = path.split('.');
  const isOfOthers = root === SHARED_SECTION && !Object.hasOwn(ownKeysOfAuth, key);
  return known.has(path) || isOfOthers;
}

/** What Backstage's reader of configuration leaves out before anybody sees it, and what is for others. */
function isPassedOver(path: string, key: string, value: JsonValue | undefined): boolean {
  return key === '__proto__' || value === null || (path === SHARED_SECTION && !Object.hasOwn(ownKeysOfAuth, key));
}

const ownKeysOfAuth: Record<string, true> = {
  experimentalDynamicClientRegistration: true,
  clientIdMetadataDocuments: true,
  experimentalClientIdMetadataDocuments: true,
  clients: true,
  deviceAuthorization: true,
  localUsers: true,
  tokens: true,
  registration: true,
  externalIssuers: true,
};

const isNumberAsText = (written: unknown, read: unknown) =>
  typeof written === 'string' &&
  typeof read === 'number' &&
  /^-?\d+(\.\d+)?$/.test(written) &&
  Number(written) === read;

/** Of all modes that are written for a caller, the strictest holds. */
function checkModes(config: ConfigReader, settings: { callers: { principal?: string; mode?: string }[] }): void {
  const { mode, profiles, callers } = readActionsConfig(config);
  const section = config.getOptional<{ mode?: string }>('backend.actions') ?? {};
  // What stands under `__proto__` is not written, whatever Backstage's reader makes of it.
  const written = Object.hasOwn(section, 'mode') ? section.mode : undefined;
  holdEqual(mode.value, written ?? 'safe', 'another mode than was written');
  const policy = new CallPolicy({ mode, profiles: profiles as never, callers });
  const caller = {
    principal: 'user:default/ada',
    clientId: 'two',
    door: 'http' as const,
    server: undefined,
    scopes: undefined,
  };
  const { mode: strictest } = policy.rulesFor(caller);
  const forEverybody = settings.callers.flatMap(rule =>
    rule.mode !== undefined &&
    Object.keys(rule).every(key => ['mode', 'profile', 'principal'].includes(key)) &&
    ['*', 'user:*', 'user:default/ada', undefined].includes(rule.principal)
      ? [rule.mode]
      : [],
  );
  const weakest = Math.min(...[mode.value, ...forEverybody].map(name => ORDER.indexOf(name)));
  hold(ORDER.indexOf(strictest.value) <= weakest, 'a weaker mode than was written', { strictest, forEverybody });
}
