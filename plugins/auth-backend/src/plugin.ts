import { coreServices, createBackendFeatureLoader, createBackendPlugin } from '@backstage/backend-plugin-api';
import { type AuthProviderFactory, authProvidersExtensionPoint } from '@backstage/plugin-auth-node';
import { configSectionFeature, startupNotesServiceRef } from '@callboard/actions-api';
import { isLoopbackHost, refuseForeignHosts } from '@callboard/pages';
import { browserAnswers } from './browserAnswers.js';
import { createBrowserSessionRouter } from './browserSessionRouter.js';
import { authConfigSection, readAuthConfig } from './config.js';
import { Engine } from './engine/Engine.js';
import { describeAuthorizationServer } from './engine/metadata.js';
import { mountProvider } from './engine/mountProvider.js';
import { createResources } from './engine/resources.js';
import { ExternalIssuers } from './grants/ExternalIssuers.js';
import { createExchangeRouter } from './grants/exchangeRouter.js';
import { TokenExchange } from './grants/TokenExchange.js';
import { keepQueriesOutOfLogs } from './keepQueriesOutOfLogs.js';
import { readListenHost } from './listenHost.js';
import { openDatabase } from './openDatabase.js';
import { createPagesRouter } from './pages/createPagesRouter.js';
import { isNamedDocument } from './registration/clientDocuments.js';
import { createDocumentFetch } from './registration/fetchDocument.js';
import { limitRegistrations, RegistrationLimits } from './registration/RegistrationLimits.js';
import { AttemptLimit } from './signIn/AttemptLimit.js';
import { BrowserSessions } from './signIn/BrowserSessions.js';
import { openGuestSignIn } from './signIn/guest.js';
import { LocalUsers } from './signIn/LocalUsers.js';
import { CatalogUsers } from './signIn/providers/CatalogUsers.js';
import { ProviderSignIn } from './signIn/providers/ProviderSignIn.js';
import { createUserInfoRouter } from './userInfo.js';
import { createKeySetRouter, createMetadataRouter, serveMetadataAtRoot } from './wellKnown.js';

/** What tests put in the place of the outside world. */
export interface Surroundings {
  now?: () => number;
  fetchDocument?: typeof fetch;
  keyLifetimeSeconds?: number;
}

/** Makes the plugin that signs people in and gives MCP clients tokens, under `/api/auth`. */
export function createAuthPlugin(surroundings: Surroundings = {}) {
  const now = surroundings.now ?? Date.now;
  const clock = () => new Date(now());
  return createBackendPlugin({
    pluginId: 'auth',
    register(env) {
      const factories = new Map<string, AuthProviderFactory>();
      env.registerExtensionPoint(authProvidersExtensionPoint, {
        registerProvider({ providerId, factory }) {
          // Guests sign in by a form of ours, which hands no token to whoever asks.
          if (providerId !== 'guest') {
            factories.set(providerId, factory);
          }
        },
      });
      env.registerInit({
        deps: {
          auditor: coreServices.auditor,
          auth: coreServices.auth,
          config: coreServices.rootConfig,
          database: coreServices.database,
          discovery: coreServices.discovery,
          httpAuth: coreServices.httpAuth,
          httpRouter: coreServices.httpRouter,
          lifecycle: coreServices.lifecycle,
          logger: coreServices.logger,
          notes: startupNotesServiceRef,
          rootHttpRouter: coreServices.rootHttpRouter,
          rootLifecycle: coreServices.rootLifecycle,
        },
        async init({
          auditor,
          auth,
          config,
          database,
          discovery,
          httpAuth,
          httpRouter,
          lifecycle,
          logger,
          notes,
          ...root
        }) {
          const settings = readAuthConfig(config);
          const issuer = await discovery.getExternalBaseUrl('auth');
          const { clientDocuments, mcpServers, registration } = settings;
          const db = await openDatabase(database);
          const resources = createResources({
            baseUrl: await discovery.getExternalBaseUrl('mcp-actions'),
            servers: mcpServers,
          });
          const engine = new Engine({
            db,
            issuer,
            config: settings,
            resources,
            answers: browserAnswers(issuer),
            now,
            onError: error => logger.error('The authorization server failed', error),
            onRefusal: error => logger.info(`A client was refused: ${describeRefusal(error)}`),
            keyLifetimeSeconds: surroundings.keyLifetimeSeconds,
            fetchDocument:
              surroundings.fetchDocument ??
              createDocumentFetch({
                allowsPrivate: url => isNamedDocument(url, clientDocuments.allowedClientIdPatterns),
              }),
          });
          const { keys, store, grants, interactions, deviceFlow } = engine;
          lifecycle.addShutdownHook(engine.startPurging());

          // Everything here authenticates by itself: clients by OAuth's rules, people by their browser's cookie.
          httpRouter.addAuthPolicy({ path: '/', allow: 'unauthenticated' });
          httpRouter.use(keepQueriesOutOfLogs);
          httpRouter.use(createKeySetRouter(keys));
          httpRouter.use(createUserInfoRouter({ httpAuth }));
          if (settings.enabled || settings.externalIssuers.length > 0) {
            const externalIssuers = new ExternalIssuers({ issuers: settings.externalIssuers, resources, now });
            const exchange = new TokenExchange({ issuer, keys, store, grants, resources, externalIssuers, now });
            httpRouter.use(createExchangeRouter({ httpAuth, exchange }));
          }
          if (!settings.enabled) {
            return;
          }
          httpRouter.use(refuseForeignHosts(issuer));
          const { hostname, protocol } = new URL(issuer);
          if (!isLoopbackHost(hostname) && protocol === 'http:') {
            logger.warn(
              `backend.baseUrl has http on ${hostname}: tokens and passwords would travel readably (OAuth 2.1 section 1.5). Use https, with TLS here or at a proxy`,
            );
          }
          if (!isLoopbackHost(hostname) && !config.has('backend.trustProxy')) {
            logger.warn(
              'backend.trustProxy is not set: behind a proxy, the limits on registrations and passwords would count all clients as one',
            );
          }
          const metadata = describeAuthorizationServer(issuer, settings);
          const limits = new RegistrationLimits({ ...registration, db, store, now });
          const attempts = new AttemptLimit({ db, now: clock });
          const sessions = new BrowserSessions({ db, now: clock, baseUrl: issuer });
          httpRouter.use(createMetadataRouter(metadata));
          httpRouter.use(createBrowserSessionRouter({ httpAuth, sessions, keys, issuer, now }));
          httpRouter.use(
            createPagesRouter({
              interactions,
              deviceFlow,
              grants,
              attempts,
              auditor,
              logger,
              baseUrl: issuer,
              sessions,
              signIn: {
                ...(settings.guest && {
                  guest: openGuestSignIn({
                    baseUrl: issuer,
                    listenHost: readListenHost(config),
                    userEntityRef: settings.guest.userEntityRef,
                  }),
                }),
                ...(settings.localUsers.length > 0 && {
                  localUsers: new LocalUsers({ users: settings.localUsers, limit: attempts }),
                }),
                ...(factories.size > 0 && {
                  providers: new ProviderSignIn({
                    factories,
                    config,
                    logger,
                    baseUrl: issuer,
                    catalog: new CatalogUsers({ auth, discovery }),
                  }),
                }),
              },
            }),
          );
          httpRouter.use(
            mountProvider({
              issuer,
              config: settings,
              keys,
              resources,
              getProvider: () => engine.getProvider(),
              limitRegistrations: limitRegistrations(limits),
            }),
          );
          notes.add({
            title: 'Sign-in',
            lines: [
              'Clients that are given only the URL register themselves and send you to a page to sign in and approve',
              `${issuer}/connections shows which have access, and takes it back`,
            ],
          });
          serveMetadataAtRoot({ ...root, logger, issuer, metadata });
        },
      });
    },
  });
}

export const authPlugin = createAuthPlugin();

/** The plugin, and the check of its configuration together with everybody's at start. */
export const authFeatures = createBackendFeatureLoader({
  *loader() {
    yield configSectionFeature(authConfigSection);
    yield authPlugin;
  },
});

function describeRefusal(error: Error): string {
  const { error: code = error.message, error_description: description } = error as {
    error?: string;
    error_description?: string;
  };
  return description ? `${code}, ${description}` : code;
}
