import type { DiscoveryService, LoggerService } from '@backstage/backend-plugin-api';
import { modeMeanings, type StartupNotesService } from '@callboard/actions-api';
import type { PublishedServer } from './protocol/PublishedServer.js';

/**
 * Notes where the servers are.
 *
 * @returns the hook for when all plugins are up: it logs what each server offers, and has tool names
 * worked out, so that collisions are reported at start.
 */
export async function reportStartup(options: {
  discovery: DiscoveryService;
  logger: LoggerService;
  notes: StartupNotesService;
  servers: readonly PublishedServer[];
}): Promise<() => void> {
  const { discovery, logger, notes, servers } = options;
  const baseUrl = await discovery.getExternalBaseUrl('mcp-actions');
  const published = servers.map(server => ({
    server,
    url: `${baseUrl}/v1${server.config.key ? `/${server.config.key}` : ''}`,
    label: server.config.key ? `  (${server.config.name})` : '',
  }));
  notes.add({ title: 'Safety', lines: published.map(({ server, label }) => `${describeMode(server)}${label}`) });
  notes.add({ title: 'MCP', lines: published.map(({ url, label }) => `${url}${label}`) });
  notes.add({
    title: 'MCP over HTTP+SSE (deprecated)',
    lines: published.map(({ url, label }) => `${url}/sse${label}`),
  });
  return () => {
    for (const { server, url } of published) {
      const count = server.tools.names.idOf.size;
      const others = [
        ...(server.resources.size > 0 ? [`, ${server.resources.size} resources and templates`] : []),
        ...(server.prompts.size > 0 ? [`, ${server.prompts.size} prompts`] : []),
      ].join('');
      logger.info(`MCP server "${server.config.name}" at ${url} publishes ${count} actions${others} of this backend`);
      warnOfUnmatched(server, logger);
    }
  };
}

/** A name that is written wrong in an allow-list closes more than was meant. */
function warnOfUnmatched({ config, tools }: PublishedServer, logger: LoggerService): void {
  for (const name of config.enabledTools ?? []) {
    if (!name.includes('*') && !tools.names.idOf.has(name) && !tools.isOwn(name)) {
      logger.warn(`${config.configKey}.enabledTools: ${JSON.stringify(name)} is the name of no tool that is known yet`);
    }
  }
}

/** The mode for callers whom no rule of their own limits further. */
function describeMode({ config, services }: PublishedServer): string {
  const { mode } = services.policy.rules.rulesFor({
    principal: '',
    clientId: undefined,
    door: 'mcp',
    server: config.key,
    scopes: undefined,
  });
  return `${mode.value}: ${modeMeanings[mode.value]}`;
}
