/** Why the authorization server can be reached without TLS. */
export const TLS_OUTSIDE =
  'The server itself speaks http: TLS ends at the proxy before it, or is not needed on loopback. A base URL with http on another host is warned of at start, not refused.';

/** Why redirect URIs can have a scheme of their own. */
export const APP_SCHEMES =
  "Applications that take their answers at a scheme of their own (RFC 8252 section 7.1), such as Cursor's, could not sign in: patterns may allow one, and the default patterns name one.";

/** What is not said of a schema in an unknown dialect. */
export const UNNAMED_DIALECT =
  'The server publishes such a schema for clients to judge. Where an output has to be cut it is withheld instead, and the message says that no part fits the schema, not that the dialect is unknown.';
