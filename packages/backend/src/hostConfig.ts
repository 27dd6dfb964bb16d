import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Config, ConfigReader } from '@backstage/config';
import { InputError } from '@backstage/errors';
import type { JsonObject } from '@backstage/types';
import { type ConfigSection, findConfigMistakes } from '@callboard/actions-api';
import { type LoadConfigOptions, loadConfigLayers } from '@callboard/backend-defaults';
import { accessFor, decideAccess } from './accessToken.js';
import { readListenAddress } from './listenAddress.js';
import { findMisspelledKeys } from './misspelledKeys.js';

/** The repository: holds `app-config.yaml`, and relative data folders start here whatever the working directory. */
const rootDir = fileURLToPath(new URL('../../../', import.meta.url));

const neverLeftOut = ['backend.baseUrl', 'backend.listen', 'backend.database'];

/** The configuration of this run. */
export interface HostConfig {
  config: Config;
  /** Made for this run; `undefined` if the operator configured tokens. */
  generatedToken: string | undefined;
}

/** @throws InputError that lists every mistake. */
export async function loadHostConfig(
  options: LoadConfigOptions & { sections?: readonly ConfigSection[] } = {},
): Promise<HostConfig> {
  const mistakes: string[] = [];
  const layers = await loadConfigLayers({
    rootDir,
    ...options,
    onUnset({ variable, key }) {
      // Left out, it would be as if nobody had written it: a mode would be the default, a limit none, and the
      // database one on this machine.
      const read = [...(options.sections ?? []).map(section => section.key), ...neverLeftOut];
      if (read.some(section => key === section || key.startsWith(`${section}.`))) {
        mistakes.push(`${key}: the environment variable ${variable} is not set`);
      }
    },
  });
  const config = ConfigReader.fromConfigs(layers);
  const listen = readListenAddress(config, mistakes);
  const baseUrl = config.getOptional('backend.baseUrl');
  if (typeof baseUrl !== 'string' || !URL.canParse(baseUrl)) {
    mistakes.push(
      `backend.baseUrl: expected the URL under which clients reach the server, got ${JSON.stringify(baseUrl) ?? 'nothing'}`,
    );
  }
  const { generatedToken } = decideAccess(config, listen, mistakes);
  mistakes.push(...findMisspelledKeys(config), ...findConfigMistakes(config, options.sections ?? []));
  if (mistakes.length > 0) {
    throw new InputError(`Wrong configuration:\n${mistakes.map(mistake => `  ${mistake}`).join('\n')}`);
  }
  const own = ownLayer(config, options.rootDir ?? rootDir, generatedToken);
  return { config: ConfigReader.fromConfigs([...layers, { context: 'callboard', data: own }]), generatedToken };
}

function ownLayer(config: Config, dataRoot: string, generatedToken: string | undefined): JsonObject {
  const connection = config.getOptional<string | { directory?: unknown }>('backend.database.connection');
  const directory = typeof connection === 'object' ? connection.directory : undefined;
  const auditDirectory = config.getOptional('audit.file.directory');
  const pauseFile = config.getOptional('safety.pause.file');
  return {
    ...(typeof auditDirectory === 'string' && { audit: { file: { directory: resolve(dataRoot, auditDirectory) } } }),
    ...(typeof pauseFile === 'string' && { safety: { pause: { file: resolve(dataRoot, pauseFile) } } }),
    backend: {
      ...(typeof directory === 'string' && {
        database: { connection: { directory: resolve(dataRoot, directory) } },
      }),
      ...(generatedToken !== undefined && { auth: { externalAccess: accessFor(generatedToken) } }),
    },
  };
}
