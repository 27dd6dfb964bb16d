import autocannon from 'autocannon';

const connections = 16;
// A server that answers a few requests a second is not measured by what fits into one.
const leastRequests = 3 * connections;
const mostRequests = 1_000_000;
const answerLimitSeconds = 20;
const runLimitFactor = 5;

/**
 * Sends one request often enough that the server has run for some seconds.
 *
 * @returns What to expect of it: requests per second at last, and the size of a right answer.
 */
export async function warmUp({ benchServer, request, seconds }) {
  const bodyBytes = await benchServer.checkAnswer(request);
  let requests = leastRequests;
  for (;;) {
    const { requestsPerSecond, elapsedSeconds } = await load({ benchServer, request, requests, seconds, bodyBytes });
    if (elapsedSeconds >= seconds / 2) {
      return { requestsPerSecond, bodyBytes };
    }
    requests = Math.max(2 * requests, requestsFor(requestsPerSecond, seconds));
  }
}

/**
 * @typedef {object} Measurement
 * @property {number} answers
 * @property {number} elapsedSeconds
 * @property {number} requestsPerSecond
 * @property {number} p50Ms
 * @property {number} p99Ms
 * @property {number} answerBytes
 * @property {number} cpuMicrosecondsPerRequest
 * @property {number} residentBytes
 */

/**
 * Keeps 16 connections busy with one request for about some seconds: as many requests as the server answered in that
 * time when it was warmed up, and every answer is waited for.
 *
 * @returns {Promise<Measurement>}
 * @throws Error if an answer was missing, late or wrong: such a measurement is worth nothing.
 */
export async function measure({ benchServer, request, seconds, expected }) {
  const requests = requestsFor(expected.requestsPerSecond, seconds);
  return measureRequests({ benchServer, request, requests, seconds, bodyBytes: expected.bodyBytes });
}

/**
 * Like {@link measure}, with a number of requests that does not depend on how busy the machine is.
 *
 * @param options.seconds - How long they should take; several times that is waited for.
 * @param options.bodyBytes - What a right answer has at least.
 * @returns {Promise<Measurement>}
 * @throws Error if an answer was missing, late or wrong.
 */
export async function measureRequests({ benchServer, request, requests, seconds, bodyBytes }) {
  const before = await benchServer.readUsage();
  const loaded = await load({ benchServer, request, requests, seconds, bodyBytes });
  const after = await benchServer.readUsage();
  await benchServer.checkAnswer(request);
  return {
    ...loaded,
    cpuMicrosecondsPerRequest: (after.cpuMicroseconds - before.cpuMicroseconds) / loaded.answers,
    residentBytes: after.residentBytes,
  };
}

function requestsFor(perSecond, seconds) {
  return Math.min(mostRequests, Math.max(leastRequests, Math.round(perSecond * seconds)));
}

async function load({ benchServer, request, requests, seconds, bodyBytes }) {
  const running = autocannon({
    url: benchServer.url,
    method: 'POST',
    headers: request.headers,
    body: request.body,
    connections,
    amount: requests,
    timeout: answerLimitSeconds,
    sampleInt: 10,
    // Reading large answers costs the load more than making them costs the server: their size has to do.
    ...(request.marker && { verifyBody: body => body.includes(request.marker) }),
  });
  const limit = setTimeout(() => running.stop(), (runLimitFactor * seconds + answerLimitSeconds) * 1000);
  let result;
  try {
    result = await running;
  } finally {
    clearTimeout(limit);
  }

  const answers = result['2xx'];
  if (answers === 0 || result.non2xx + result.errors + result.mismatches > 0) {
    throw new Error(
      `${benchServer.server.title}, ${request.name}: ${answers} answers of status 2xx, ${result.non2xx} of another, ` +
        `${result.errors} missing, ${result.mismatches} wrong`,
    );
  }
  const answerBytes = Math.round(result.throughput.total / answers);
  if (answerBytes < bodyBytes) {
    throw new Error(
      `${benchServer.server.title}, ${request.name}: expected answers of ${bodyBytes} bytes, got ${answerBytes} on average`,
    );
  }
  return {
    answers,
    elapsedSeconds: result.duration,
    requestsPerSecond: answers / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    answerBytes,
  };
}
