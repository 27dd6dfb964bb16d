import type { AuditorService, AuthService, DiscoveryService, LoggerService } from '@backstage/backend-plugin-api';
import type { ActionCatalogue, CatalogueEvents, SecretsDesk } from '@callboard/actions';
import { BrowserUsers } from '@callboard/pages';
import type { Router } from 'express';
import type { McpConfig } from '../config.js';
import { SecretsOpening } from './SecretsOpening.js';
import { createSecretsRouter, SECRETS } from './secretsRouter.js';

export { SECRETS };

/** Makes the pages for secrets, which open when it is known that people can sign in. */
export async function createSecretsPages(options: {
  auditor: AuditorService;
  auth: AuthService;
  catalogue: ActionCatalogue;
  desk: SecretsDesk;
  discovery: DiscoveryService;
  events: CatalogueEvents;
  logger: LoggerService;
  settings: McpConfig['secrets'];
  nowMs?: () => number;
}): Promise<{ router: Router; opening: SecretsOpening }> {
  const { auditor, auth, catalogue, desk, discovery, events, logger, settings, nowMs = () => Date.now() } = options;
  const [baseUrl, authUrl] = await Promise.all([
    discovery.getExternalBaseUrl('mcp-actions'),
    discovery.getExternalBaseUrl('auth'),
  ]);
  const users = new BrowserUsers({ auth, discovery, baseUrl });
  const opening = new SecretsOpening({
    desk,
    users,
    events,
    logger,
    known: () => catalogue.known,
    pages: {
      urlOf: id => `${baseUrl}${SECRETS}/${id}`,
      lifetimeMs: settings.lifetimeMinutes * 60_000,
      users: settings.users,
    },
  });
  return { router: createSecretsRouter({ desk, users, auditor, logger, baseUrl, authUrl, nowMs }), opening };
}
