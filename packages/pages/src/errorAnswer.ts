import { randomUUID } from 'node:crypto';
import type { LoggerService } from '@backstage/backend-plugin-api';
import type { ErrorRequestHandler } from 'express';
import { renderErrorPage } from './errorPage.js';
import { sendPage } from './pageHeaders.js';

/** Status and heading of each error whose message may be shown. */
const shownErrors: Readonly<Record<string, { status: number; title: string }>> = {
  InputError: { status: 400, title: 'This does not work' },
  NotAllowedError: { status: 403, title: 'Not accepted' },
  NotFoundError: { status: 404, title: 'There is nothing here' },
  ServiceUnavailableError: { status: 503, title: 'Not reachable' },
  ConflictError: { status: 409, title: 'This has already been answered' },
};

/** Answers errors with a page; what is not expected goes to the log under an id. */
export function answerErrors(options: { logger: LoggerService }): ErrorRequestHandler {
  return (error, req, res, next) => {
    if (res.headersSent) {
      next(error);
      return;
    }
    const retryAt = typeof res.locals.retryAt === 'string' ? res.locals.retryAt : undefined;
    const shown = shownErrors[error?.name];
    if (shown) {
      sendPage(res, renderErrorPage({ title: shown.title, explanation: error.message, retryAt }), shown.status);
      return;
    }
    if (error?.type === 'entity.too.large' || error?.type === 'parameters.too.many') {
      sendPage(res, renderErrorPage({ title: 'Too large', explanation: 'The form holds more than it can.' }), 413);
      return;
    }
    // What Express and its body parser say of addresses and forms that no browser sends: nothing for the log.
    if ((typeof error?.type === 'string' || error instanceof URIError) && error.status >= 400 && error.status < 500) {
      const explanation = 'The address or the form cannot be read.';
      sendPage(res, renderErrorPage({ title: 'This does not work', explanation }), error.status);
      return;
    }
    const requestId = randomUUID();
    options.logger.error(`A page could not be answered (${req.method} ${req.path}, ${requestId})`, error);
    const explanation = 'Something went wrong on this server. Begin again in your application.';
    sendPage(res, renderErrorPage({ title: 'Something went wrong', explanation, details: requestId }), 500);
  };
}
