import autocannon from 'autocannon';
import { requestHeaders } from './wire.mjs';

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
 * Keeps 16 connections busy with one request for about some seconds: as many requests as the server answered in that
 * time when it was warmed up, and every answer is waited for.
 *
 * @returns Rate, latencies in milliseconds, and the server's CPU time per request.
 * @throws Error if an answer was missing, late or wrong: such a measurement is worth nothing.
 */
export async function measure({ benchServer, request, seconds, expected }) {
  const requests = requestsFor(expected.requestsPerSecond, seconds);
  const before = await benchServer.readUsage();
  const loaded = await load({ benchServer, request, requests, seconds, bodyBytes: expected.bodyBytes });
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
    headers: requestHeaders,
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
