import { type ActionCatalogue, compileActionFilter, type OfferCatalogues } from '@callboard/actions';
import type { McpConfig, ServerConfig } from './config.js';
import { compileAllowList } from './lists/allowList.js';
import { PromptDirectory } from './prompts/PromptDirectory.js';
import { type ProtocolServices, PublishedServer } from './protocol/PublishedServer.js';
import { ResourceDirectory } from './resources/ResourceDirectory.js';
import { ownToolsOf } from './tools/ownTools.js';
import { ToolDirectory } from './tools/ToolDirectory.js';

/** Makes the servers that configuration names, each with what it publishes of the catalogues. */
export function createServers(options: {
  settings: Pick<McpConfig, 'servers' | 'namespacedToolNames' | 'toolNameStyle'>;
  catalogue: ActionCatalogue;
  offers: OfferCatalogues;
  services: ProtocolServices;
}): PublishedServer[] {
  return options.settings.servers.map(config => createServer(config, options));
}

function createServer(
  config: ServerConfig,
  { settings, catalogue, offers, services }: Parameters<typeof createServers>[0],
): PublishedServer {
  const { policy } = services;
  const shared = {
    logger: services.logger,
    isIncluded: compileActionFilter(config.filter),
    naming: {
      namespaced: settings.namespacedToolNames,
      style: settings.toolNameStyle,
      exact: config.toolNames === 'exact',
    },
    label: config.key ? `the MCP server "${config.key}"` : 'the MCP server',
    configKey: config.configKey,
  };
  return new PublishedServer({
    config,
    services,
    tools: new ToolDirectory({
      ...shared,
      catalogue,
      takesSecrets: () => policy.secrets.isOpen,
      isEnabled: compileAllowList(config.enabledTools),
      ownTools: ownToolsOf(config),
      showsActions: config.discovery === 'full',
    }),
    resources: new ResourceDirectory({
      catalogue: offers.resources,
      isIncluded: shared.isIncluded,
      isEnabled: compileAllowList(config.enabledResources),
    }),
    prompts: new PromptDirectory({
      ...shared,
      catalogue: offers.prompts,
      isEnabled: compileAllowList(config.enabledPrompts),
    }),
  });
}
