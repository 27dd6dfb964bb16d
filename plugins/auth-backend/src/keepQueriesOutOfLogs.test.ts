import { once } from 'node:events';
import express from 'express';
import { expect, test } from 'vitest';
import { keepQueriesOutOfLogs } from './keepQueriesOutOfLogs.js';

test('the host logs addresses without codes, and handlers see them whole', async () => {
  const seen: string[] = [];
  const logged: string[] = [];
  const app = express();
  app.use((req, res, next) => {
    res.on('finish', () => logged.push(req.originalUrl));
    next();
  });
  app.use(keepQueriesOutOfLogs);
  app.use((req, res) => {
    seen.push(req.originalUrl);
    res.end();
  });
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };

  await fetch(`http://127.0.0.1:${port}/device?user_code=GCNN-BWBS&x=1&code=secret`);
  await new Promise(resolve => server.close(resolve));

  expect(seen).toEqual(['/device?user_code=GCNN-BWBS&x=1&code=secret']);
  expect(logged).toEqual(['/device?user_code=***&x=1&code=***']);
});
