import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readJsonBody } from './readJsonBody.js';

const read = (
  chunks: (string | Buffer)[],
  headers: Record<string, string> = {},
  { ends = true, timeoutMs = 5_000 } = {},
) => {
  const req = new PassThrough();
  for (const chunk of chunks) {
    req.write(chunk);
  }
  if (ends) {
    req.end();
  }
  return readJsonBody(Object.assign(req, { headers: { 'content-type': 'application/json', ...headers } }) as never, {
    maxBytes: 20,
    timeoutMs,
  });
};

describe('readJsonBody', () => {
  it('reads JSON that comes in pieces, even within a character', async () => {
    const bytes = Buffer.from('{"a":"é"}');

    expect(await read([bytes.subarray(0, 7), bytes.subarray(7)])).toEqual({ a: 'é' });
  });

  it('takes what a parser of the host has read already', async () => {
    const req = Object.assign(new PassThrough(), { headers: {}, _body: true, body: { parsed: true } });

    expect(await readJsonBody(req as never, { maxBytes: 1, timeoutMs: 1 })).toEqual({ parsed: true });
  });

  it.each([
    ['another type', ['{}'], { 'content-type': 'text/plain' }, 415],
    ['no type', ['{}'], { 'content-type': '' }, 415],
    ['a compressed body', ['{}'], { 'content-encoding': 'gzip' }, 415],
    ['an announced length over the limit', ['{}'], { 'content-length': '21' }, 413],
    ['an actual length over the limit', ['"', 'x'.repeat(20), '"'], {}, 413],
    ['invalid UTF-8', [Buffer.from([0x22, 0xff, 0x22])], {}, 400],
    ['a key that appears twice', ['{"a":1,"a":2}'], {}, 400],
  ])('refuses %s', async (_name, chunks, headers, status) => {
    await expect(read(chunks, headers as Record<string, string>)).rejects.toMatchObject({ name: 'BodyError', status });
  });

  it('does not wait for a body that does not come', async () => {
    await expect(read(['{"a"'], {}, { ends: false, timeoutMs: 20 })).rejects.toMatchObject({
      status: 408,
      closesConnection: true,
    });
  });
});
