import type { Request } from 'express';

/** The first cookie of this name, as the browser sent it. */
export function readCookie(req: Request, name: string): string | undefined {
  const prefix = `${name}=`;
  const pair = req.headers.cookie
    ?.split(';')
    .map(part => part.trim())
    .find(part => part.startsWith(prefix));
  return pair?.slice(prefix.length);
}
