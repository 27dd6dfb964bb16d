import type { RequestHandler } from 'express';

/** Parameters in which codes and tokens come, or could. */
const SECRET = /([?&](?:user_code|code|access_token|id_token|refresh_token|token|client_secret|state)=)[^&]*/gi;

/** The host logs the address of each request when it has been answered: from then on it holds no codes. */
export const keepQueriesOutOfLogs: RequestHandler = (req, res, next) => {
  res.once('prefinish', () => {
    req.originalUrl = req.originalUrl.replace(SECRET, '$1***');
    req.url = req.url.replace(SECRET, '$1***');
  });
  next();
};
