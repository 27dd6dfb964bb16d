/** What clients may ask for; the rest of what they name is foreign to this server. */
export const supportedGrantTypes = [
  'authorization_code',
  'refresh_token',
  'urn:ietf:params:oauth:grant-type:device_code',
] as const;
