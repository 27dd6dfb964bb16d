import type { Guest } from './guest.js';
import type { LocalUsers } from './LocalUsers.js';
import type { ProviderSignIn } from './providers/ProviderSignIn.js';

/** The ways to sign in that are configured. */
export interface SignIn {
  guest?: Guest;
  localUsers?: Pick<LocalUsers, 'signIn'>;
  providers?: Pick<ProviderSignIn, 'list' | 'start' | 'finish'>;
}
