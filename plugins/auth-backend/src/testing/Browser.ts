/** A person's browser as far as sign-in needs one: cookies, redirects within the server, and forms. */
export class Browser {
  readonly #cookies = new Map<string, { value: string; path: string }>();
  readonly #origin: string;

  constructor(origin: string) {
    this.#origin = origin;
  }

  /** The value of a cookie of any path; empty if there is none. */
  cookie(name: string): string {
    return [...this.#cookies].find(([key]) => key.startsWith(`${name}\n`))?.[1].value ?? '';
  }

  /** Follows redirects for as long as they stay on the server. */
  async open(
    url: string,
    init: RequestInit = {},
  ): Promise<{ status: number; url: string; text: string; headers: Headers }> {
    let target = new URL(url, this.#origin);
    let request = init;
    for (let hop = 0; hop < 20; hop += 1) {
      const response = await fetch(target, {
        ...request,
        redirect: 'manual',
        headers: { ...(request.headers as Record<string, string>), Cookie: this.#cookiesFor(target.pathname) },
      });
      this.#keep(response.headers.getSetCookie(), target.pathname);
      const location = response.headers.get('location');
      if (response.status < 300 || response.status >= 400 || !location) {
        return { status: response.status, url: target.href, text: await response.text(), headers: response.headers };
      }
      await response.arrayBuffer();
      const next = new URL(location, target);
      if (next.origin !== this.#origin) {
        return { status: response.status, url: next.href, text: '', headers: response.headers };
      }
      target = next;
      request = {};
    }
    throw new Error(`Too many redirects, the last to ${target}`);
  }

  /** Sends the form of a page whose action ends so and that contains `having`, with its hidden fields and those given. */
  async submit(page: { url: string; text: string }, action: string, fields: [string, string][] = [], having = '') {
    const form = [...page.text.matchAll(/<form[^>]*action="([^"]*)"[^>]*>([\s\S]*?)<\/form>/g)].find(
      ([, target, content]) => target?.endsWith(action) && content?.includes(having),
    );
    if (!form) {
      throw new Error(`No form at …${action} in ${page.url}:\n${page.text}`);
    }
    const hidden = [...(form[2] as string).matchAll(/<input[^>]*type="hidden"[^>]*>/g)].map(
      ([input]): [string, string] => [attribute(input, 'name'), attribute(input, 'value')],
    );
    return this.open(new URL(form[1] as string, page.url).href, {
      method: 'POST',
      headers: { Origin: this.#origin, 'Content-Type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams([...hidden, ...fields]).toString(),
    });
  }

  #cookiesFor(path: string): string {
    return [...this.#cookies]
      .filter(([, cookie]) => path === cookie.path || path.startsWith(`${cookie.path.replace(/\/$/, '')}/`))
      .map(([key, { value }]) => `${key.split('\n')[0]}=${value}`)
      .join('; ');
  }

  #keep(setCookies: string[], requestPath: string): void {
    for (const line of setCookies) {
      const [pair = '', ...attributes] = line.split(';').map(part => part.trim());
      const [name = '', value = ''] = pair.split(/=(.*)/s);
      const path = attributes.find(part => /^path=/i.test(part))?.slice(5) ?? requestPath;
      const isGone = value === '' || attributes.some(part => /^expires=Thu, 01 Jan 1970/i.test(part));
      if (isGone) {
        this.#cookies.delete(`${name}\n${path}`);
      } else {
        this.#cookies.set(`${name}\n${path}`, { value, path });
      }
    }
  }
}

function attribute(tag: string, name: string): string {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1] ?? '';
  return value.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&amp;', '&');
}
