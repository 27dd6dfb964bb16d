/** Pages of other plugins that people come from to sign in. */
const PAGES = ['approvals', 'mcp-actions/secrets'];

/**
 * The path of this server where a person wants to go on after signing in.
 *
 * @param baseUrl - External URL of this plugin.
 * @returns undefined if it is none that browsers are sent to from here.
 */
export function readReturnPath(value: unknown, baseUrl: string): string | undefined {
  if (typeof value !== 'string' || value.length > 500 || !URL.canParse(value, baseUrl)) {
    return undefined;
  }
  const { origin, pathname, search } = new URL(value, baseUrl);
  const isAllowed = PAGES.some(pages => pathname.startsWith(new URL(`../${pages}/`, `${baseUrl}/`).pathname));
  return origin === new URL(baseUrl).origin && isAllowed ? pathname + search : undefined;
}
