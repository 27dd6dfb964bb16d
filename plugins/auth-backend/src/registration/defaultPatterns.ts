/** Where the clients of today want their answer: programs on the same machine, and editors and assistants by name. */
export const defaultRedirectUriPatterns = [
  'http://localhost:*/*',
  'http://127.0.0.1:*/*',
  'http://[::1]:*/*',
  'cursor://*',
  'https://www.cursor.com/*',
  'https://vscode.dev/redirect',
  'https://insiders.vscode.dev/redirect',
  'https://claude.ai/api/mcp/auth_callback',
  'https://claude.com/api/mcp/auth_callback',
  'https://chatgpt.com/connector/oauth/*',
  'https://chatgpt.com/connector_platform_oauth_redirect',
];

/** Metadata documents of the clients that publish one. */
export const defaultClientIdPatterns = [
  'https://claude.ai/*',
  'https://vscode.dev/*',
  'https://chatgpt.com/oauth/codex/*/client.json',
];
