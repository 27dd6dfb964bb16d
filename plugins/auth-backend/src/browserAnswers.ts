import { renderErrorPage, sendPage } from '@callboard/pages';
import type { BrowserAnswers } from './engine/createProvider.js';
import { sendOnward } from './pages/sendOnward.js';

/** Puts what the library answers to a browser itself into pages of ours. */
export function browserAnswers(issuer: string): BrowserAnswers {
  return {
    sendError: (res, { status, code, description }) => {
      const page = renderErrorPage({
        title: 'This request for access cannot go on',
        explanation: 'Begin again in your application. If that does not help, tell whoever runs this server.',
        details: description ? `${code}: ${description}` : code,
      });
      sendPage(res, page, status);
    },
    sendToApplication: (res, location) => sendOnward(res, { location, baseUrl: issuer }),
  };
}
