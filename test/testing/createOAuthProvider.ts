/** The memory of one installation of an MCP client, as the SDKs of both generations ask for it. */
export function createOAuthProvider(options: { redirectUrl: string; clientMetadataUrl?: string }) {
  const { redirectUrl, clientMetadataUrl } = options;
  const kept: Record<string, unknown> = {};
  return {
    kept,
    redirectUrl,
    ...(clientMetadataUrl && { clientMetadataUrl }),
    clientMetadata: {
      client_name: 'Test Client',
      redirect_uris: [redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    state: () => 'a-state',
    clientInformation: () => kept.client as never,
    saveClientInformation: (client: unknown) => void Object.assign(kept, { client }),
    tokens: () => kept.tokens as never,
    saveTokens: (tokens: unknown) => void Object.assign(kept, { tokens }),
    redirectToAuthorization: (to: URL) => void Object.assign(kept, { authorizationUrl: to }),
    saveCodeVerifier: (verifier: string) => void Object.assign(kept, { verifier }),
    codeVerifier: () => kept.verifier as string,
    saveDiscoveryState: (discovery: unknown) => void Object.assign(kept, { discovery }),
    discoveryState: () => kept.discovery as never,
  };
}
