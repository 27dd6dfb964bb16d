const titles: Readonly<Record<string, string>> = {
  auth0: 'Auth0',
  bitbucket: 'Bitbucket',
  github: 'GitHub',
  gitlab: 'GitLab',
  oauth2: 'OAuth 2',
  oidc: 'your organization',
  onelogin: 'OneLogin',
  vmwareCloud: 'VMware Cloud',
};

/** The name of a provider as its owner writes it. */
export function providerTitle(providerId: string): string {
  return Object.hasOwn(titles, providerId)
    ? (titles[providerId] ?? providerId)
    : `${providerId.charAt(0).toUpperCase()}${providerId.slice(1)}`;
}
