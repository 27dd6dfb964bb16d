import type { KeyRing } from './KeyRing.js';

const ALGORITHM = 'ES256';

/**
 * Makes the token by which Backstage's own services know a person. From its signature of identity they derive the
 * limited tokens with which plugins call each other on the person's behalf.
 */
export async function issueUserToken(options: {
  keys: KeyRing;
  issuer: string;
  userEntityRef: string;
  issuedAt: number;
  expiresAt: number;
}): Promise<string> {
  const { keys, issuer, userEntityRef: sub, issuedAt: iat, expiresAt: exp } = options;
  const [jose, { kid, privateKey }] = await Promise.all([import('jose'), keys.getCurrentKey()]);
  // The services rebuild header and payload from the claims: these members, in this order, and no others.
  const proof = await new jose.CompactSign(new TextEncoder().encode(JSON.stringify({ sub, iat, exp })))
    .setProtectedHeader({ typ: 'vnd.backstage.limited-user', alg: ALGORITHM, kid })
    .sign(privateKey);
  return new jose.SignJWT({ iss: issuer, sub, ent: [sub], aud: 'backstage', iat, exp, uip: proof.split('.')[2] })
    .setProtectedHeader({ typ: 'vnd.backstage.user', alg: ALGORITHM, kid })
    .sign(privateKey);
}
