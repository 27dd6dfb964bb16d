import http from 'node:http';
import https from 'node:https';

const MAX_CHARACTERS = 100_000;

/**
 * Asks another part of this backend. It does with what a server has loaded anyhow; the first `fetch` of a process takes
 * as long as loading a hundred files.
 *
 * @throws Error if there is no answer, or one that is too long. Redirects are not followed.
 */
export function getText(url: string, { signal }: { signal: AbortSignal }): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const { get } = url.startsWith('https:') ? https : http;
    const request = get(url, { agent: false, signal, headers: { Accept: 'application/json' } }, response => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', chunk => {
        text += chunk;
        if (text.length > MAX_CHARACTERS) {
          request.destroy(new Error(`${url} answers with more than ${MAX_CHARACTERS} characters`));
        }
      });
      response.on('end', () => resolve({ status: response.statusCode as number, text }));
      response.on('error', reject);
    });
    request.on('error', reject);
  });
}
