import { connect } from 'node:net';
import { Violation } from '../engine/expect.js';
import type { WireAnswer } from '../server/HttpWire.js';

const LIMIT_MS = 15_000;
/** After so long without an answer the client says that nothing more comes: the server may be waiting for it. */
const PATIENCE_MS = 250;

/**
 * Sends bytes as they are over a connection of their own, and reads what comes until the server closes it.
 *
 * @returns the answers, none if the server has closed the connection instead.
 * @throws Violation if the server neither answers nor closes, or answers with something that is not HTTP.
 */
export function sendRaw(port: number, bytes: string, options: { isHead: boolean }): Promise<WireAnswer[]> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    let received = '';
    const patience = setTimeout(() => socket.end(), PATIENCE_MS);
    const limit = setTimeout(() => {
      reject(new Violation(`It hangs: a connection is open after ${LIMIT_MS} ms, got ${JSON.stringify(received)}`));
      socket.resetAndDestroy();
    }, LIMIT_MS);
    const finish = () => {
      clearTimeout(patience);
      clearTimeout(limit);
      try {
        resolve(readAnswers(received, options));
      } catch (error) {
        reject(error);
      }
    };
    socket.setEncoding('latin1');
    socket.on('data', chunk => {
      received += chunk;
      if (socket.writable && countAnswers(received, options) > 0) {
        socket.end();
      }
    });
    socket.once('error', () => socket.destroy());
    socket.once('close', finish);
    socket.once('end', () => socket.destroy());
    socket.write(bytes, 'latin1');
  });
}

/** What is no HTTP shows when all of it has come. */
function countAnswers(received: string, options: { isHead: boolean }): number {
  try {
    return readAnswers(received, options).length;
  } catch {
    return 0;
  }
}

/** Whole answers, without those that only say that another follows. */
function readAnswers(received: string, { isHead }: { isHead: boolean }): WireAnswer[] {
  const answers: WireAnswer[] = [];
  let rest = received;
  while (rest !== '') {
    const [, head, status] = /^(HTTP\/1\.1 (\d{3})[^\r\n]*\r\n(?:[^\r\n]+\r\n)*)\r\n/.exec(rest) ?? [];
    if (head === undefined) {
      const isBeginning = 'HTTP/1.1 '.startsWith(rest.slice(0, 9)) || rest.startsWith('HTTP/1.1 ');
      if (!isBeginning) {
        throw new Violation(`Something that is not HTTP: ${JSON.stringify(rest)} in ${JSON.stringify(received)}`);
      }
      break;
    }
    const headers = Object.fromEntries(
      head
        .split('\r\n')
        .slice(1, -1)
        .map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    );
    const hasNone = (isHead && answers.length === 0) || status === '204' || status === '304' || Number(status) < 200;
    const body = hasNone ? { text: '', length: 0 } : readBody(rest.slice(head.length + 2), headers);
    if (!body) {
      break;
    }
    rest = rest.slice(head.length + 2 + body.length);
    if (Number(status) >= 200) {
      answers.push({
        status: Number(status),
        headers,
        text: Buffer.from(body.text, 'latin1').toString('utf8'),
        isOpen: false,
      });
    }
  }
  return answers;
}

/** @returns undefined if it is not whole. */
function readBody(rest: string, headers: Record<string, string>): { text: string; length: number } | undefined {
  if (headers['transfer-encoding'] !== 'chunked') {
    const length = Number(headers['content-length'] ?? rest.length);
    return rest.length < length ? undefined : { text: rest.slice(0, length), length };
  }
  let text = '';
  let at = 0;
  for (;;) {
    const line = rest.indexOf('\r\n', at);
    const size = line < 0 ? Number.NaN : Number.parseInt(rest.slice(at, line), 16);
    if (Number.isNaN(size) || rest.length < line + 2 + size + 2) {
      return undefined;
    }
    text += rest.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
    if (size === 0) {
      return { text, length: at };
    }
  }
}
