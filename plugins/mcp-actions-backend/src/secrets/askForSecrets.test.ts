import { type AnsweredSecrets, SecretsDesk, SecretsQuestion } from '@callboard/actions';
import type { ServerContext } from '@modelcontextprotocol/server';
import { expect, it } from 'vitest';
import type { ClientSide } from '../protocol/ClientSide.js';
import { askingForSecrets } from './askForSecrets.js';

it('a client of the 2026 era is told the page otherwise before it gives the call up, as the SDK’s do after 10 answers', async () => {
  const question = new SecretsQuestion({
    id: 'one',
    question: 'Well?',
    secrets: { url: 'https://board.example/secrets/one', expiresAt: '2100-01-01T00:00:00.000Z' },
  });
  const desk = Object.assign(new SecretsDesk({ environment: 'test' }), { find: async () => ({}) });
  desk.whenEntered = async () => false;
  const answered: AnsweredSecrets[] = [];
  let asked = 0;
  const ask = async () => {
    asked += 1;
    return { secrets: { action: 'accept' } };
  };
  const attempt = askingForSecrets<{ text: string }>({
    desk,
    ctx: {} as ServerContext,
    attempt: async ({ answeredSecrets }) => {
      answered.push(...(answeredSecrets ? [answeredSecrets] : []));
      return answeredSecrets ? { text: 'the page' } : question;
    },
  });

  const result = await attempt({
    era: 'modern',
    signal: new AbortController().signal,
    client: { ask },
  } as unknown as ClientSide);

  expect(result).toEqual({ text: 'the page' });
  expect(answered).toEqual([{ id: 'one', answer: 'accept' }]);
  expect(asked).toBe(8);
});
