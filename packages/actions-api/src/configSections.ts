import { createServiceFactory, createServiceRef, type RootConfigService } from '@backstage/backend-plugin-api';
import { InputError } from '@backstage/errors';
import type * as z from 'zod';
import { isSecretField, MASK, scrubText } from './records/scrubText.js';

/** A part of the configuration that one package owns: unknown keys in it are mistakes. */
export interface ConfigSection<TSchema extends z.ZodType = z.ZodType> {
  /** A dotted path, such as `backend.actions`; a missing section is read as `{}`. */
  readonly key: string;
  readonly schema: TSchema;
}

/** Contributed once per section, so that mistakes in all of them are reported together at start. */
export const configSectionsServiceRef = createServiceRef<ConfigSection>({
  id: 'callboard.configSections',
  scope: 'root',
  multiton: true,
});

/** Makes the feature that contributes a section; a package's feature loader yields it next to the plugin. */
export function configSectionFeature(section: ConfigSection) {
  return createServiceFactory({ service: configSectionsServiceRef, deps: {}, factory: () => section });
}

/**
 * Reads a section of the configuration.
 *
 * @throws InputError that lists every mistake with its path, what was expected and what came.
 */
export function readConfigSection<TSchema extends z.ZodType>(
  config: RootConfigService,
  { key, schema }: ConfigSection<TSchema>,
): z.output<TSchema> {
  const parsed = parseSection(config, { key, schema });
  if (!parsed.success) {
    throw wrongConfiguration(describeMistakes(key, parsed.error));
  }
  return parsed.data as z.output<TSchema>;
}

/** @throws InputError that lists the mistakes of all sections. */
export function checkConfigSections(config: RootConfigService, sections: readonly ConfigSection[]): void {
  const mistakes = findConfigMistakes(config, sections);
  if (mistakes.length > 0) {
    throw wrongConfiguration(mistakes);
  }
}

/** @returns a line for each mistake, with its path. */
export function findConfigMistakes(config: RootConfigService, sections: readonly ConfigSection[]): string[] {
  // A section may have been contributed along more than one way, such as by a host and by a plugin.
  const byKey = new Map(sections.map(section => [section.key, section]));
  return [...byKey.values()].flatMap(section => {
    const parsed = parseSection(config, section);
    return parsed.success ? [] : describeMistakes(section.key, parsed.error);
  });
}

function parseSection(config: RootConfigService, { key, schema }: ConfigSection) {
  // A copy, which has nothing but what is written: Backstage's reader takes `__proto__` for what it is in JavaScript.
  const value = structuredClone(config.getOptional(key) ?? {});
  const parsed = schema.safeParse(value, { reportInput: true });
  const written = parsed.success ? [] : parsed.error.issues.filter(isWrittenAsText);
  if (written.length === 0) {
    return parsed;
  }
  for (const { path, input } of written) {
    const holder = path.slice(0, -1).reduce((at, part) => Reflect.get(at, part), value as object);
    Reflect.set(holder, path.at(-1) as PropertyKey, readText(input as string));
  }
  return schema.safeParse(value, { reportInput: true });
}

function readText(text: string): boolean | number {
  return text === 'true' || (text === 'false' ? false : Number(text));
}

// As Backstage's own readers do: `${VARIABLE}` in a file always gives text.
function isWrittenAsText(issue: z.core.$ZodIssue): boolean {
  if (issue.code !== 'invalid_type' || typeof issue.input !== 'string' || issue.path.length === 0) {
    return false;
  }
  return issue.expected === 'boolean'
    ? /^(true|false)$/.test(issue.input)
    : ['number', 'int'].includes(issue.expected) && /^-?\d+(\.\d+)?$/.test(issue.input);
}

function wrongConfiguration(mistakes: string[]): InputError {
  return new InputError(`Wrong configuration:\n${mistakes.map(line => `  ${line}`).join('\n')}`);
}

function describeMistakes(key: string, { issues }: z.core.$ZodError): string[] {
  return issues.flatMap(issue => describeMistake(key, issue));
}

const SECRET = /secret|password|token|privatekey/i;

function describeMistake(section: string, issue: z.core.$ZodIssue): string[] {
  const path = [section, ...issue.path.map(String)].join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(key => `${path}.${key}: there is no such key`);
  }
  if (issue.code === 'invalid_key') {
    return issue.issues.map(({ message }) => `${path}: ${message}`);
  }
  const message = issue.message.replace(/^Invalid input: /, '').replace(/, received .*$/, '');
  return [`${path}: ${message}, got ${describeInput(issue)}`];
}

/** What came, without what nobody is to read in a log. */
function describeInput({ input, path }: z.core.$ZodIssue): string {
  const holdsText = typeof input === 'string' || (typeof input === 'object' && input !== null);
  if (holdsText && path.some(part => SECRET.test(String(part)))) {
    return MASK;
  }
  return JSON.stringify(hideSecrets(String(path.at(-1)), input), hideSecrets) ?? 'nothing';
}

/** The path of a URL may be a secret, too, and a section that is written as text may have one anywhere. */
function hideSecrets(key: string, value: unknown): unknown {
  const isPlain = typeof value !== 'object' || Array.isArray(value);
  const isHidden = key === 'url' || (isPlain && isSecretField(key, value));
  if (isHidden && value !== undefined) {
    return MASK;
  }
  if (typeof value === 'string') {
    return /^\s*[[{]/.test(value) ? '…' : scrubText(value);
  }
  return value;
}
