import { InputError, NotFoundError } from '@backstage/errors';
import type { ActionScope } from '@callboard/actions-api';
import type { Request, Response } from 'express';
import type Provider from 'oidc-provider';
import type { SqlGrants } from '../grants/SqlGrants.js';
import type { Resources } from './resources.js';
import { expandScopes, narrowScopes } from './scopes.js';

/** Who asks for access, in what a person can judge. */
export interface RequestingClient {
  id: string;
  name: string;
  uri?: string;
  /** Where the browser goes after approval; empty for a device. */
  redirectUri: string;
  isLoopback: boolean;
  /** Host of the metadata document, for clients that are known by one. */
  metadataHost?: string;
}

/** A client's request that waits for a person. */
export interface PendingInteraction {
  uid: string;
  step: 'sign-in' | 'consent';
  client: RequestingClient;
  /** Of `actions:read`, `actions:write` and `actions:destructive`. */
  requestedScopes: ActionScope[];
  /** Those that are ticked when the page opens: without a request for it, nothing destructive. */
  preselectedScopes: ActionScope[];
  resource: { url: string; name: string };
  /** Known from the consent step on. */
  userEntityRef?: string;
}

/** The steps of an authorization that pages show. All are bound to the browser that began it. */
export interface Interactions {
  /** @throws NotFoundError if it is unknown, expired, or another browser's. */
  get(req: Request, res: Response): Promise<PendingInteraction>;
  /** Also at the consent step, where it replaces the person who was signed in. */
  signIn(req: Request, res: Response, result: { userEntityRef: string }): Promise<{ redirectTo: string }>;
  /** @throws InputError if nothing is granted, or something that was not requested. */
  approve(req: Request, res: Response, result: { scopes: string[] }): Promise<{ redirectTo: string }>;
  deny(req: Request, res: Response): Promise<{ redirectTo: string }>;
}

const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

type InteractionRecord = Awaited<ReturnType<Provider['interactionDetails']>>;

/** Interactions as `oidc-provider` keeps them. */
export class ProviderInteractions implements Interactions {
  readonly #getProvider: () => Promise<Provider>;
  readonly #grants: SqlGrants;
  readonly #resources: Resources;

  constructor(options: { getProvider: () => Promise<Provider>; grants: SqlGrants; resources: Resources }) {
    this.#getProvider = options.getProvider;
    this.#grants = options.grants;
    this.#resources = options.resources;
  }

  async get(req: Request, res: Response): Promise<PendingInteraction> {
    return this.#describe(await this.#getProvider(), await this.#find(req, res));
  }

  async signIn(req: Request, res: Response, result: { userEntityRef: string }): Promise<{ redirectTo: string }> {
    const { userEntityRef: accountId } = result;
    const { session } = await this.#find(req, res);
    const finished = await this.#finish(req, res, { login: { accountId } });
    if (session?.accountId !== undefined && session.accountId !== accountId) {
      await forgetUser(await this.#getProvider(), req, res);
    }
    return finished;
  }

  async approve(req: Request, res: Response, result: { scopes: string[] }): Promise<{ redirectTo: string }> {
    const provider = await this.#getProvider();
    const record = await this.#find(req, res);
    const { client, requestedScopes, resource, userEntityRef, step } = await this.#describe(provider, record);
    if (step !== 'consent' || !userEntityRef) {
      throw new InputError('Sign in before you approve');
    }
    const scopes = narrowScopes(requestedScopes, result.scopes);
    const grantId = await issueGrant({
      provider,
      grants: this.#grants,
      userEntityRef,
      client,
      resource: resource.url,
      scopes,
      requestedScopes,
    });
    return this.#finish(req, res, { consent: { grantId } });
  }

  async deny(req: Request, res: Response): Promise<{ redirectTo: string }> {
    await this.#find(req, res);
    return this.#finish(req, res, { error: 'access_denied', error_description: 'The person declined the request' });
  }

  async #find(req: Request, res: Response): Promise<InteractionRecord> {
    const provider = await this.#getProvider();
    const record = await translateUnknown(() => provider.interactionDetails(req, res));
    // The cookie is what counts; a page of one flow must not act on another's.
    if (req.params.uid !== undefined && req.params.uid !== record.uid) {
      throw new NotFoundError('This sign-in is unknown, over, or was begun in another browser');
    }
    return record;
  }

  async #finish(req: Request, res: Response, result: Record<string, unknown>): Promise<{ redirectTo: string }> {
    const provider = await this.#getProvider();
    return { redirectTo: await translateUnknown(() => provider.interactionResult(req, res, result as never)) };
  }

  async #describe(provider: Provider, record: InteractionRecord): Promise<PendingInteraction> {
    const { params, prompt, session } = record;
    const redirectUri = String(params.redirect_uri ?? '');
    const resource = this.#resources.get(String(params.resource));
    const requestedScopes = expandScopes(String(params.scope ?? ''));
    return {
      uid: record.uid,
      step: prompt.name === 'login' ? 'sign-in' : 'consent',
      client: await describeClient(provider, String(params.client_id), redirectUri),
      requestedScopes,
      preselectedScopes: preselect(requestedScopes, params.scope_defaulted !== undefined),
      resource,
      ...(prompt.name !== 'login' && session?.accountId && { userEntityRef: session.accountId }),
    };
  }
}

/** @throws NotFoundError if the client is gone. */
export async function describeClient(provider: Provider, id: string, redirectUri: string): Promise<RequestingClient> {
  const client = await provider.Client.find(id);
  if (!client) {
    throw new NotFoundError('The application is not registered here any more');
  }
  const isDocument = id.startsWith('https://');
  return {
    id,
    name: client.clientName ?? (isDocument ? new URL(id).host : id),
    ...(client.clientUri && { uri: client.clientUri }),
    redirectUri,
    isLoopback: URL.canParse(redirectUri) && LOOPBACK_HOST.test(new URL(redirectUri).hostname),
    ...(isDocument && { metadataHost: new URL(id).host }),
  };
}

/** What is ticked at first: all that the client named, or what does no harm if it named nothing. */
export function preselect(requestedScopes: ActionScope[], defaulted: boolean): ActionScope[] {
  return defaulted ? requestedScopes.filter(scope => scope !== 'actions:destructive') : requestedScopes;
}

/** Notes what a person allowed, for the tokens to come and for the list of connected applications. */
export async function issueGrant(options: {
  provider: Provider;
  grants: SqlGrants;
  userEntityRef: string;
  client: RequestingClient;
  resource: string;
  scopes: ActionScope[];
  requestedScopes: ActionScope[];
}): Promise<string> {
  const { provider, grants, userEntityRef, client, resource, scopes, requestedScopes } = options;
  const grant = new provider.Grant({ accountId: userEntityRef, clientId: client.id });
  grant.addResourceScope(resource, scopes.join(' '));
  const refused = requestedScopes.filter(scope => !scopes.includes(scope));
  if (refused.length > 0) {
    // Otherwise the library asks again for what was left out.
    grant.rejectResourceScope(resource, refused.join(' '));
  }
  const id = await grant.save();
  await grants.add({ id, userEntityRef, client, resource, scopes });
  return id;
}

/** Without this, the library asks whether to sign out, on a page of its own, before somebody else can sign in. */
async function forgetUser(provider: Provider, req: Request, res: Response): Promise<void> {
  const session = await provider.Session.get(provider.createContext(req, res));
  session.accountId = undefined;
  await session.persist();
}

async function translateUnknown<T>(use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    // By then it is loaded; at start it need not be.
    const { errors } = await import('oidc-provider');
    if (error instanceof errors.SessionNotFound) {
      throw new NotFoundError('This sign-in is unknown, over, or was begun in another browser', error);
    }
    throw error;
  }
}
