import type { AuthService, BackstageCredentials, DiscoveryService } from '@backstage/backend-plugin-api';
import { AuthenticationError } from '@backstage/errors';
import { recordingLogger } from '@callboard/test-utils';
import { RemoteSource } from '../catalogue/RemoteSource.js';

const credentialsOf = (principal: object) =>
  ({ $$type: '@backstage/BackstageCredentials', principal }) as unknown as BackstageCredentials;

export const user = (name: string) => credentialsOf({ type: 'user', userEntityRef: `user:default/${name}` });
export const service = (subject: string) => credentialsOf({ type: 'service', subject });
export const nobody = credentialsOf({ type: 'none' });

/** Passes on who the token is for, instead of signing; refuses anonymous callers as Backstage does. */
export const plainAuth = {
  isPrincipal: ({ principal }: { principal: { type: string } }, type: string) => principal.type === type,
  async getPluginRequestToken({
    onBehalfOf,
    targetPluginId,
  }: {
    onBehalfOf: BackstageCredentials;
    targetPluginId: string;
  }) {
    const principal = onBehalfOf.principal as { type: string; userEntityRef?: string };
    if (principal.type === 'none') {
      throw new AuthenticationError("Refused to issue service token for credential type 'none'");
    }
    return { token: `${principal.userEntityRef ?? 'service'} to ${targetPluginId}` };
  },
} as unknown as AuthService;

/** A source at `baseUrl`, with a clock that stands still until advanced and the log that it writes. */
export function createRemoteSource(
  baseUrl: string,
  options: {
    remote?: Partial<ConstructorParameters<typeof RemoteSource>[0]['remote']>;
    isIncluded?: (id: string) => boolean;
    onChange?: () => void;
    auth?: AuthService;
    pluginId?: string;
  } = {},
) {
  const { logger, logs } = recordingLogger();
  const { isIncluded = () => true, auth = plainAuth, pluginId = 'todo' } = options;
  let nowMs = 0;
  let clockReads = 0;
  let onClockRead = () => {};
  const source = new RemoteSource({
    pluginId,
    auth,
    discovery: { getBaseUrl: async () => baseUrl } as unknown as DiscoveryService,
    logger,
    remote: { cacheSeconds: 30, timeoutSeconds: 5, invokeTimeoutSeconds: 5, ...options.remote },
    isIncluded: ({ id }) => isIncluded(id),
    ...(options.onChange && { onChange: options.onChange }),
    nowMs() {
      clockReads += 1;
      onClockRead();
      return nowMs;
    },
  });
  const idsFor = async (credentials = service('plugin:caller')): Promise<string[]> => {
    const { descriptors } = await source.list(credentials);
    return descriptors.map(({ id }) => id);
  };
  return {
    source,
    logs,
    advanceSeconds(seconds: number) {
      nowMs += seconds * 1000;
    },
    idsFor,
    /** Asks for a list that is due, and waits until the attempt to fetch it is over, well or not. */
    async refresh(credentials?: BackstageCredentials): Promise<void> {
      // The clock is read when the list is asked for, and again when the attempt ends.
      const ended = clockReads + 2;
      const over = new Promise<void>(resolve => {
        onClockRead = () => void (clockReads === ended && setImmediate(resolve));
      });
      await idsFor(credentials);
      await over;
    },
  };
}
