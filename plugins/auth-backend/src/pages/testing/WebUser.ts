import { request } from 'node:http';

/** An answer as a browser gets it. */
export interface Page {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

/** A person whose browser keeps cookies, follows nothing by itself, and sends what the test says. */
export class WebUser {
  readonly #origin: string;
  readonly #cookies = new Map<string, { value: string; path: string }>();
  /** The attributes of each cookie as it was last set. */
  readonly cookieAttributes = new Map<string, string>();

  constructor(options: { origin: string }) {
    this.#origin = options.origin;
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Page> {
    return this.#send('GET', path, headers);
  }

  /** Posts a form as from a page of the server itself, unless the headers say otherwise. */
  post(
    path: string,
    form: Record<string, string | string[]>,
    headers: Record<string, string | undefined> = {},
  ): Promise<Page> {
    const fields = Object.entries(form).flatMap(([name, values]) =>
      [values].flat().map((value): [string, string] => [name, value]),
    );
    return this.#send(
      'POST',
      path,
      {
        origin: this.#origin,
        'sec-fetch-site': 'same-origin',
        'content-type': 'application/x-www-form-urlencoded',
        ...headers,
      },
      new URLSearchParams(fields).toString(),
    );
  }

  /** Follows `Location` while it stays on the server. */
  async visit(path: string): Promise<Page & { path: string }> {
    let at = new URL(path, this.#origin);
    let page = await this.get(at.pathname + at.search);
    while (page.status >= 300 && page.status < 400) {
      at = new URL(String(page.headers.location), at);
      if (at.origin !== this.#origin) {
        break;
      }
      page = await this.get(at.pathname + at.search);
    }
    return { ...page, path: at.pathname };
  }

  cookie(name: string): string | undefined {
    return this.#cookies.get(name)?.value;
  }

  setCookie(name: string, value: string, path = '/'): void {
    this.#cookies.set(name, { value, path });
  }

  #send(method: string, path: string, headers: Record<string, string | undefined>, body = ''): Promise<Page> {
    const url = new URL(path, this.#origin);
    const sent = [...this.#cookies].filter(([, cookie]) => url.pathname.startsWith(cookie.path));
    const cookie = sent.map(([name, { value }]) => `${name}=${value}`).join('; ');
    const given = Object.entries({ ...(cookie && { cookie }), ...headers }).filter(([, value]) => value !== undefined);
    return new Promise((resolve, reject) => {
      const req = request(url, { method, headers: Object.fromEntries(given) }, async res => {
        for (const line of res.headers['set-cookie'] ?? []) {
          const [, name = '', value = '', attributes = ''] = /^([^=]+)=([^;]*);?(.*)$/.exec(line) ?? [];
          this.setCookie(name, value, /Path=([^;]+)/.exec(attributes)?.[1]);
          this.cookieAttributes.set(name, attributes.trim());
        }
        const chunks = await res.toArray();
        resolve({ status: res.statusCode ?? 0, headers: res.headers, text: Buffer.concat(chunks).toString() });
      });
      req.on('error', reject);
      req.end(body);
    });
  }
}

/** The value of a hidden field; empty if the page has none. */
export function hiddenField(page: Page, name: string): string {
  return new RegExp(`<input type="hidden" name="${name}" value="([^"]*)">`).exec(page.text)?.[1] ?? '';
}
