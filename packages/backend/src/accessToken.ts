import { randomBytes } from 'node:crypto';
import type { Config } from '@backstage/config';
import { isLoopback, type ListenAddress } from './listenAddress.js';

const key = 'backend.auth.externalAccess';
const minimumLength = 16;
const tokenRecipe = `node -p 'require("crypto").randomBytes(24).toString("base64url")'`;

/** Tokens made of these words, digits and punctuation only come from examples. */
const exampleWords =
  /^(?:your|my|our|the|this|that|and|with|very|super|long|some|real|secret|token|change|replace|insert|put|here|example|sample|demo|password|passwd|pass|word|mcp|api|key|agent|clients?|admin|default|static|random|please|local|test|dev|callboard|backstage|backend|bearer|access|value|placeholder|string|foo|bar|abcdef(?:ghijklmnop(?:qrstuvwxyz)?)?|qwerty(?:uiop)?|me|it|at|least|characters|a|[\d\W_])+$/i;

/** How clients get in. */
export interface AccessDecision {
  /** Made for this run, because none is configured and only this machine can connect. */
  generatedToken: string | undefined;
}

/**
 * Decides with which tokens clients get in. A server that other machines can reach needs configured
 * ones; those that are easily guessed are refused.
 *
 * @param listen - `undefined` if that is a mistake already: only configured tokens are checked then.
 * @param mistakes - what must be put right before the server may start is added here.
 */
export function decideAccess(config: Config, listen: ListenAddress | undefined, mistakes: string[]): AccessDecision {
  const access = config.getOptional(key) ?? [];
  const legacyKeys = config.getOptional('backend.auth.keys') ?? [];
  if (!Array.isArray(access)) {
    mistakes.push(`${key}: expected a list of tokens, got ${typeof access}`);
    return { generatedToken: undefined };
  }
  if (access.length > 0) {
    mistakes.push(...findTokenMistakes(access));
    return { generatedToken: undefined };
  }
  if (!listen || (Array.isArray(legacyKeys) && legacyKeys.length > 0)) {
    return { generatedToken: undefined };
  }
  if (canSignIn(config) && !isLoopback(listen)) {
    return { generatedToken: undefined };
  }
  if (isLoopback(listen)) {
    return { generatedToken: randomBytes(24).toString('base64url') };
  }
  mistakes.push(describeMissingToken(config, listen));
  return { generatedToken: undefined };
}

/** Whether people get tokens for their clients by signing in, so that none has to be configured. */
function canSignIn(config: Config): boolean {
  const has = (list: string) => {
    const value = config.getOptional(list);
    return Array.isArray(value) && value.length > 0;
  };
  const registers = ['experimentalDynamicClientRegistration', 'clientIdMetadataDocuments'].some(
    way => config.getOptional(`auth.${way}.enabled`) === true,
  );
  return (registers || has('auth.clients')) && has('auth.localUsers');
}

/** The configuration that lets holders of the token in. */
export function accessFor(token: string) {
  return [{ type: 'static', options: { token, subject: 'mcp-clients' } }];
}

function findTokenMistakes(access: unknown[]): string[] {
  const firstWithToken = new Map<string, string>();
  return access.flatMap((entry, index) => {
    const path = `${key}[${index}]`;
    if (!isObject(entry)) {
      return [`${path}: expected type and options, got ${describeType(entry)}`];
    }
    if (typeof entry.type !== 'string') {
      return [`${path}.type: expected static, jwks or legacy, got ${describeType(entry.type)}`];
    }
    const shapeMistakes = findShapeMistakes(path, entry);
    if (entry.type !== 'static') {
      return shapeMistakes;
    }
    const { token, subject } = isObject(entry.options) ? entry.options : {};
    const mistakes = [...shapeMistakes];
    const weakness = findWeakness(token);
    if (weakness) {
      mistakes.push(`${path}.options.token: ${weakness}`);
    } else {
      const first = firstWithToken.get(String(token));
      if (first) {
        mistakes.push(`${path}.options.token: expected a token of its own, got the one of ${first}`);
      }
      firstWithToken.set(String(token), `${path}`);
    }
    if (typeof subject === 'string' && subject.startsWith('plugin:')) {
      mistakes.push(`${path}.options.subject: expected a name of the holder's own, got one that plugins go by`);
    } else if (typeof subject !== 'string' || !/^\S+$/.test(subject)) {
      mistakes.push(
        `${path}.options.subject: expected a name without spaces for the holder, got ${describeType(subject)}`,
      );
    }
    return mistakes;
  });
}

const types = ['static', 'jwks', 'legacy'];
const entryKeys = ['type', 'options', 'accessRestrictions'];
const restrictionKeys = ['plugin', 'permission', 'permissionAttribute'];

/** A misspelt restriction would be none. */
function findShapeMistakes(path: string, entry: Record<string, unknown>): string[] {
  const { type, accessRestrictions: restrictions } = entry;
  const unknownKeys = (at: string, value: object, keys: string[]) =>
    Object.keys(value)
      .filter(name => !keys.includes(name))
      .map(name => `${at}.${name}: there is no such key, expected ${keys.join(', ')}`);
  const mistakes = unknownKeys(path, entry, entryKeys);
  if (!types.includes(String(type))) {
    mistakes.push(`${path}.type: expected ${types.join(', ')}, got ${JSON.stringify(type)}`);
  }
  if (restrictions === undefined) {
    return mistakes;
  }
  if (!Array.isArray(restrictions) || restrictions.length === 0) {
    return [
      ...mistakes,
      `${path}.accessRestrictions: expected at least one plugin, got ${Array.isArray(restrictions) ? 'none' : describeType(restrictions)}`,
    ];
  }
  const inRestrictions = restrictions.flatMap((restriction, index) => {
    const at = `${path}.accessRestrictions[${index}]`;
    return isObject(restriction) && typeof restriction.plugin === 'string'
      ? unknownKeys(at, restriction, restrictionKeys)
      : [
          `${at}.plugin: expected the id of a plugin, got ${describeType(isObject(restriction) ? restriction.plugin : restriction)}`,
        ];
  });
  return [...mistakes, ...inRestrictions];
}

function findWeakness(token: unknown): string | undefined {
  const expected = `expected a random token of at least ${minimumLength} characters`;
  if (token === undefined) {
    return `${expected}, got nothing: is the environment variable that it comes from set?`;
  }
  if (typeof token !== 'string') {
    return `${expected} in quotes, got ${describeType(token)}`;
  }
  if (/\s/.test(token)) {
    return `${expected} without spaces`;
  }
  if (exampleWords.test(token) || new Set(token).size < 6) {
    return `${expected}, got one that is easily guessed. Make one with: ${tokenRecipe}`;
  }
  if (token.length < minimumLength) {
    return `${expected}, got ${token.length}. Make one with: ${tokenRecipe}`;
  }
  return undefined;
}

function describeMissingToken(config: Config, { host, port }: ListenAddress): string {
  const found = JSON.stringify(config.getOptional('backend.listen')) ?? 'not set';
  const reach = host === '' ? 'all network interfaces' : host;
  return `${key}: expected at least one access token, got none. backend.listen (${found}) means ${reach}, where other machines can connect.
  Either configure a token:

    backend:
      auth:
        externalAccess:
          - type: static
            options:
              token: \${MCP_TOKEN} # made with: ${tokenRecipe}
              subject: mcp-clients

  or listen on this machine only:

    backend:
      listen:
        host: 127.0.0.1
        port: ${port}
`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Never the value itself: it may be a token in the wrong place. */
function describeType(value: unknown): string {
  if (value === undefined || value === null) {
    return 'nothing';
  }
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}
