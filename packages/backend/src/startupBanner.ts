import { readFileSync } from 'node:fs';
import {
  coreServices,
  createServiceFactory,
  createServiceRef,
  type RootConfigService,
} from '@backstage/backend-plugin-api';
import { localActionsServiceRef } from '@callboard/actions';
import { startupNotesServiceRef } from '@callboard/actions-api';
import { renderBanner } from './banner.js';
import { describeDataPlace } from './dataPlace.js';
import { isLoopback, readListenAddress } from './listenAddress.js';

const startupBannerServiceRef = createServiceRef<object>({ id: 'callboard.startupBanner', scope: 'root' });

/** The launcher sets this mark, so that the time it may take to install and build does not count. */
const startMark = 'callboard-start';

/** Shows the first screen when every plugin is up. */
export function startupBanner({ generatedToken }: { generatedToken: string | undefined }) {
  return createServiceFactory({
    service: startupBannerServiceRef,
    deps: {
      config: coreServices.rootConfig,
      lifecycle: coreServices.rootLifecycle,
      localActions: localActionsServiceRef,
      notes: startupNotesServiceRef,
    },
    factory({ config, lifecycle, localActions, notes }) {
      lifecycle.addStartupHook(() => {
        const banner = renderBanner(
          {
            version: readVersion(),
            readyAfterMs: performance.now() - (performance.getEntriesByName(startMark)[0]?.startTime ?? 0),
            notes: notes.list(),
            contributions: localActions.list(),
            pluginSources: config.getOptionalStringArray('backend.actions.pluginSources') ?? [],
            dataPlace: describeDataPlace(config),
            mcpUrl: `${config.getString('backend.baseUrl').replace(/\/$/, '')}/api/mcp-actions/v1`,
            generatedToken,
            warnings: findWarnings(config),
          },
          { colours: process.stdout.isTTY && !process.env.NO_COLOR },
        );
        // One write, so that no log line comes between; and not through the log, which redacts the token.
        process.stdout.write(banner);
      });
      return {};
    },
  });
}

function readVersion(): string {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;
}

function findWarnings(config: RootConfigService): string[] {
  const listen = readListenAddress(config, []);
  const { port, protocol, hostname } = new URL(config.getString('backend.baseUrl'));
  const urlPort = Number(port || (protocol === 'https:' ? 443 : 80));
  return listen && listen.port !== urlPort && isLoopback({ host: hostname.replace(/^\[|\]$/g, ''), port: urlPort })
    ? [`backend.baseUrl says port ${urlPort}, but backend.listen says ${listen.port}: clients will not get here`]
    : [];
}
