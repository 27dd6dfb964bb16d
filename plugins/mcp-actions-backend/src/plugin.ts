import { coreServices, createBackendFeatureLoader, createBackendPlugin } from '@backstage/backend-plugin-api';
import { actionsRegistryServiceRef, metricsServiceRef, tracingServiceRef } from '@backstage/backend-plugin-api/alpha';
import {
  actionCatalogueServiceRef,
  actionsServiceFactories,
  catalogueEventsServiceRef,
  httpLaneServiceRef,
  invocationPolicyServiceRef,
  localActionsServiceRef,
  localPromptsServiceRef,
  offerCataloguesServiceRef,
  replicasServiceRef,
} from '@callboard/actions';
import { configSectionFeature, startupNotesServiceRef } from '@callboard/actions-api';
import { mcpConfigSection, readMcpConfig } from './config.js';
import { createServers } from './createServers.js';
import { AccessTokens } from './guards/AccessTokens.js';
import { createAuthentication } from './guards/authenticate.js';
import { checkScope } from './guards/checkScope.js';
import { createSourceCheck } from './guards/checkSource.js';
import { McpRequests } from './McpRequests.js';
import { OAuthMetadata } from './OAuthMetadata.js';
import { OutputStore } from './outputs/OutputStore.js';
import { CallRelay } from './protocol/client/CallRelay.js';
import { SuspendedCalls } from './protocol/client/SuspendedCalls.js';
import { createMcpRouter } from './router.js';
import { createSecretsPages, SECRETS } from './secrets/createSecretsPages.js';
import { reportStartup } from './startupReport.js';
import { Telemetry } from './telemetry.js';
import { createTransports } from './transports/createTransports.js';

/** Publishes the actions of `backend.actions.pluginSources` as MCP tools under `/api/mcp-actions/v1`. */
export const mcpPlugin = createBackendPlugin({
  pluginId: 'mcp-actions',
  register(env) {
    env.registerInit({
      deps: {
        auditor: coreServices.auditor,
        auth: coreServices.auth,
        catalogue: actionCatalogueServiceRef,
        config: coreServices.rootConfig,
        discovery: coreServices.discovery,
        policy: invocationPolicyServiceRef,
        httpAuth: coreServices.httpAuth,
        httpRouter: coreServices.httpRouter,
        lifecycle: coreServices.lifecycle,
        lane: httpLaneServiceRef,
        localActions: localActionsServiceRef,
        localPrompts: localPromptsServiceRef,
        logger: coreServices.logger,
        events: catalogueEventsServiceRef,
        metrics: metricsServiceRef,
        notes: startupNotesServiceRef,
        offers: offerCataloguesServiceRef,
        // Asked for so that this plugin, like any other, serves the actions endpoints.
        registry: actionsRegistryServiceRef,
        replicas: replicasServiceRef,
        rootHttpRouter: coreServices.rootHttpRouter,
        rootLifecycle: coreServices.rootLifecycle,
        tracing: tracingServiceRef,
      },
      async init({
        auditor,
        auth,
        catalogue,
        config,
        discovery,
        policy,
        httpAuth,
        httpRouter,
        lifecycle,
        logger,
        ...services
      }) {
        const settings = readMcpConfig(config);
        const telemetry = new Telemetry({ ...services, captureToolPayload: settings.captureToolPayload });
        const { replicas } = services;
        const suspendedCalls = new SuspendedCalls({ replicas });
        lifecycle.addShutdownHook(() => suspendedCalls.close());
        const callRelay = new CallRelay({ replicas, suspended: suspendedCalls, logger });
        lifecycle.addShutdownHook(() => callRelay.close());
        callRelay.open();
        const outputs = new OutputStore({ replicas });
        lifecycle.addShutdownHook(() => outputs.close());
        outputs.open();
        const servers = createServers({
          settings,
          catalogue,
          offers: services.offers,
          services: { auditor, policy, logger, telemetry, outputs, suspendedCalls, callRelay },
        });
        for (const { tools, prompts } of servers) {
          services.localActions.addCheck(action => tools.claim(action));
          services.localPrompts.addCheck(prompt => prompts.claim(prompt));
        }
        const metadata = new OAuthMetadata({ ...settings, discovery, logger });
        const transports = createTransports({
          ...settings,
          auditor,
          catalogue,
          events: services.events,
          logger,
          replicas,
          servers,
          telemetry,
        });
        lifecycle.addShutdownHook(() => transports.close());

        // The plugin authenticates by itself, so that a 401 is one that MCP clients understand.
        httpRouter.addAuthPolicy({ path: '/v1', allow: 'unauthenticated' });
        const requests = new McpRequests({
          ...transports,
          auditor,
          logger,
          servers,
          maxRequestBodyBytes: settings.maxRequestBodyBytes,
          checkSource: createSourceCheck(settings),
          authenticate: createAuthentication({
            httpAuth,
            accessTokens: new AccessTokens({ auth, discovery }),
            allowsAnonymous: settings.allowsAnonymous,
            takesAccessTokens: metadata.isEnabled,
            resource: server => metadata.resource(server),
            challenge: server => metadata.challenge(server),
          }),
          checkScope: ({ body, server, context }) =>
            checkScope(
              body,
              server,
              context,
              async () => (await metadata.challenge(server.config.key))?.resourceMetadataUrl,
            ),
          ssePath: async (req, target) => {
            const external = new URL(await discovery.getExternalBaseUrl('mcp-actions'));
            const path = req.originalUrl.split('?')[0] as string;
            // Behind a proxy that strips a prefix, only the external address tells the whole path.
            return req.headers.host === external.host ? `${external.pathname}${target.path}` : path;
          },
        });
        httpRouter.use(createMcpRouter(requests));
        for (const {
          config: { key },
        } of servers) {
          const path = `/v1${key === undefined ? '' : `/${key}`}`;
          services.lane.serve(`/api/mcp-actions${path}`, (req, res) =>
            requests.serve(req, res, { server: key, endpoint: 'streamable', path }),
          );
        }
        await metadata.serve({ ...services, serverKeys: servers.map(server => server.config.key) });

        // People are known there by their browser's cookie.
        httpRouter.addAuthPolicy({ path: SECRETS, allow: 'unauthenticated' });
        const secrets = await createSecretsPages({
          ...services,
          auditor,
          auth,
          catalogue,
          desk: policy.secrets,
          discovery,
          logger,
          settings: settings.secrets,
        });
        httpRouter.use(secrets.router);
        lifecycle.addShutdownHook(() => secrets.opening.stop());
        const report = await reportStartup({ ...services, discovery, logger, servers });
        services.rootLifecycle.addStartupHook(async () => {
          await secrets.opening.start();
          report();
        });
      },
    });
  },
});

/** The plugin and the actions services that it stands on, in place of Backstage's own. */
export const mcpFeatures = createBackendFeatureLoader({
  *loader() {
    yield* actionsServiceFactories;
    yield configSectionFeature(mcpConfigSection);
    yield mcpPlugin;
  },
});
