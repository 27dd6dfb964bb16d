/** What the package reads; the plugin checks it again at start. Other keys under `auth` belong to other plugins. */
export interface Config {
  auth?: {
    /** Lets clients register themselves (RFC 7591). */
    experimentalDynamicClientRegistration?: {
      /** Defaults to false. */
      enabled?: boolean;
      /** Where clients may want their answer, such as `cursor://*` or `http://127.0.0.1:*\/*`. */
      allowedRedirectUriPatterns?: string[];
    };
    /** Takes clients that are known by the https URL of a document about them. */
    clientIdMetadataDocuments?: ClientIdMetadataDocuments;
    /** Older name of `clientIdMetadataDocuments`, read if that is absent. */
    experimentalClientIdMetadataDocuments?: ClientIdMetadataDocuments;
    /** Clients that need no registration. */
    clients?: {
      clientId: string;
      /**
       * At least 16 characters; without it the client is a public one.
       * @visibility secret
       */
      clientSecret?: string;
      /** Shown to people who are asked to approve. */
      name: string;
      redirectUris?: string[];
    }[];
    /** The flow for terminals and devices without a browser (RFC 8628). */
    deviceAuthorization?: {
      /** Defaults to true. */
      enabled?: boolean;
    };
    /** People who sign in with a password. */
    localUsers?: {
      name: string;
      /**
       * `scrypt$<salt in base64>$<hash in base64>`
       * @visibility secret
       */
      passwordHash: string;
    }[];
    tokens?: {
      /** 1 to 60, defaults to 15. */
      accessTokenMinutes?: number;
      /** From its last use on; defaults to 30. */
      refreshTokenDays?: number;
      /** How long after its use a refresh token gives the same successor once more. Defaults to 10. */
      refreshGraceSeconds?: number;
    };
    /** Limits for clients that register themselves. */
    registration?: {
      /** Beyond it the oldest that nobody approved make room. Defaults to 10000. */
      maxClients?: number;
      /** After which a client that nobody approved is forgotten. Defaults to 24. */
      unusedClientHours?: number;
      /** Defaults to 60. */
      perAddressPerHour?: number;
    };
    /** Identity providers whose access tokens are taken as they are. */
    externalIssuers?: {
      issuer: string;
      audience: string;
      claims?: {
        /** The claim that holds an entity ref, such as `user:default/ada`. */
        userEntityRef?: string;
        /** The claim that holds the name of a user in the default namespace. */
        userName?: string;
        /** The claim that holds scopes. Defaults to `scope`. */
        scopes?: string;
      };
    }[];
  };
}

interface ClientIdMetadataDocuments {
  /** Defaults to false. */
  enabled?: boolean;
  /** URLs of documents. One without a star may be in a private network. */
  allowedClientIdPatterns?: string[];
  /** Where clients may want their answer. */
  allowedRedirectUriPatterns?: string[];
}
