import type { RootConfigService } from '@backstage/backend-plugin-api';

/** The host of `backend.listen`, as Backstage reads it; undefined for all addresses. */
export function readListenHost(config: RootConfigService): string | undefined {
  const listen = config.getOptional('backend.listen');
  if (typeof listen === 'string') {
    const [, host] = /^(.*):\d*$/.exec(listen) ?? [];
    return host?.replace(/^\[|\]$/g, '') || undefined;
  }
  return config.getOptionalString('backend.listen.host');
}
