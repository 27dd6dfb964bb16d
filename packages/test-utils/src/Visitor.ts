/** A person whose browser keeps cookies, follows nothing by itself, and sends what the test says. */
export class Visitor {
  readonly #origin: string;
  readonly #cookies = new Map<string, string>();

  constructor(origin: string) {
    this.#origin = origin;
  }

  cookie(name: string): string {
    return this.#cookies.get(name) ?? '';
  }

  async get(path: string, headers: Record<string, string> = {}): Promise<VisitedPage> {
    return this.#send(path, { headers });
  }

  /** Posts a form as from a page of the server itself, unless the headers say otherwise. */
  async post(path: string, form: Record<string, string>, headers: Record<string, string> = {}): Promise<VisitedPage> {
    return this.#send(path, {
      method: 'POST',
      headers: { Origin: this.#origin, ...headers },
      body: new URLSearchParams(form),
    });
  }

  /**
   * Signs in as somebody who came to this page: as the guest, unless with a password.
   *
   * @returns where that led.
   */
  async signIn(path: string, local?: { name: string; password: string }): Promise<string> {
    const sentAway = await this.get(path);
    const form = await this.get(sentAway.location);
    const { location } = await this.post('/api/auth/sign-in', {
      csrf: hiddenField(form, 'csrf'),
      return_to: hiddenField(form, 'return_to'),
      ...(local ? { method: 'password', ...local } : { method: 'guest' }),
    });
    return location;
  }

  /** What arrives on a stream of events, as it arrives. */
  async *events(path: string, signal: AbortSignal): AsyncGenerator<string> {
    const response = await fetch(this.#origin + path, { headers: { Cookie: this.#cookieHeader() }, signal });
    if (!response.ok || !response.body) {
      throw new Error(`No events: ${response.status}`);
    }
    let text = '';
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const [, data] = /^data: (.*)$/m.exec(text.slice(0, end)) ?? [];
        text = text.slice(end + 2);
        if (data !== undefined) {
          yield data;
        }
      }
    }
  }

  async #send(path: string, init: RequestInit): Promise<VisitedPage> {
    const response = await fetch(new URL(path, this.#origin), {
      ...init,
      redirect: 'manual',
      headers: { ...(init.headers as object), Cookie: this.#cookieHeader() },
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      this.#cookies.set(name, value);
    }
    const location = response.headers.get('location') ?? '';
    return { status: response.status, headers: response.headers, location, text: await response.text() };
  }

  #cookieHeader(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }
}

export interface VisitedPage {
  readonly status: number;
  readonly headers: Headers;
  /** Empty unless the page sends the browser on. */
  readonly location: string;
  readonly text: string;
}

/** The value of a hidden field; empty if the page has none. */
export function hiddenField(page: VisitedPage, name: string): string {
  return new RegExp(`<input type="hidden" name="${name}" value="([^"]*)">`).exec(page.text)?.[1] ?? '';
}
