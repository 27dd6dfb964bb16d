import { parse } from 'node:querystring';
import type { Request, Response } from 'express';

/** What a provider module answered, kept from the browser: it may hold tokens that nobody there needs. */
export interface CapturedAnswer {
  location?: string;
  cookies: Record<string, string>;
  session: Record<string, unknown>;
}

/**
 * Runs a route handler of a provider module on a request made for it alone. The module sees only the query, cookies
 * and session given here; what it answers is returned instead of sent.
 */
export async function capture(
  handler: (req: Request, res: Response) => Promise<void>,
  request: { path: string; query: string; cookies: Record<string, string>; session: Record<string, unknown> },
): Promise<CapturedAnswer> {
  const { path, query, cookies } = request;
  const answer: CapturedAnswer = { cookies: {}, session: { ...request.session } };
  const headers: Record<string, string> = {};
  const req: Record<string, unknown> = {
    method: 'GET',
    url: `${path}?${query}`,
    originalUrl: `${path}?${query}`,
    query: { ...parse(query) },
    headers,
    cookies,
    session: answer.session,
    get: () => undefined,
    header: () => undefined,
  };
  const res: Record<string, unknown> = {
    req,
    statusCode: 200,
    cookie(name: string, value: string, options: { domain?: string } = {}) {
      // With a domain it is the removal of one that an old version set.
      if (options.domain === undefined) {
        answer.cookies[name] = value;
      }
      return res;
    },
    redirect(...parts: unknown[]) {
      answer.location = String(parts.at(-1));
    },
    setHeader(name: string, value: unknown) {
      if (name.toLowerCase() === 'location') {
        answer.location = String(value);
      }
      return res;
    },
    status: () => res,
    json() {},
    send() {},
    end() {},
  };
  req.res = res;
  await handler(req as unknown as Request, res as unknown as Response);
  return answer;
}
