import type { ClientRequest } from '@callboard/actions-api';
import * as z from 'zod';

const content = z.looseObject({ type: z.string() });

/** What clients answer with, as loosely as handlers can bear; sampling and roots may carry more than is known here. */
const shapes = {
  form: z.union([
    z
      .object({
        action: z.literal('accept'),
        // Some write null for nothing.
        content: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])).nullish(),
      })
      .transform(({ action, content: filledIn }) => ({ action, ...(filledIn && { content: filledIn }) })),
    z.object({ action: z.enum(['decline', 'cancel']) }),
  ]),
  url: z.object({ action: z.enum(['accept', 'decline', 'cancel']) }),
  sample: z.looseObject({
    role: z.enum(['user', 'assistant']),
    content: z.union([content, z.array(content)]),
    model: z.string(),
    stopReason: z.string().optional(),
  }),
  roots: z.looseObject({
    roots: z.array(z.looseObject({ uri: z.string().startsWith('file://'), name: z.string().optional() })),
  }),
};

export type CheckedAnswer = { ok: true; value: unknown } | { ok: false; problems: string };

/** Whether a client's answer has the shape that the request's method calls for. */
export function checkAnswer(request: ClientRequest, answer: unknown): CheckedAnswer {
  const result = shapeOf(request).safeParse(answer);
  return result.success
    ? { ok: true, value: result.data }
    : {
        ok: false,
        problems: result.error.issues
          .map(({ path, message }) => `${path.join('.') || 'answer'}: ${message}`)
          .join('; '),
      };
}

/**
 * Reads the answers to all of several requests from what a client sent along (MCP 2026-07-28, multi
 * round-trip requests). Answers to questions that nobody asked are left alone.
 *
 * @returns undefined if one is missing or malformed.
 */
export function readAnswers(
  requests: Readonly<Record<string, ClientRequest>>,
  responses: Readonly<Record<string, unknown>> | undefined,
): Record<string, unknown> | undefined {
  const answers: [string, unknown][] = [];
  for (const [key, request] of Object.entries(requests)) {
    // The SDK copies keys by assignment, and `__proto__` is one that clients can send.
    const isAnswered = responses !== undefined && Object.hasOwn(responses, key);
    const answer = isAnswered ? checkAnswer(request, responses[key]) : undefined;
    if (!answer?.ok) {
      return undefined;
    }
    answers.push([key, answer.value]);
  }
  return Object.fromEntries(answers);
}

function shapeOf(request: ClientRequest): z.ZodType {
  switch (request.method) {
    case 'elicitation/create':
      return request.params.mode === 'url' ? shapes.url : shapes.form;
    case 'sampling/createMessage':
      return shapes.sample;
    case 'roots/list':
      return shapes.roots;
  }
}
