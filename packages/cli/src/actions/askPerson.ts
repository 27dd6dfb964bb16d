import { createInterface } from 'node:readline/promises';
import type { ElicitRequestParams, ElicitResult } from '@modelcontextprotocol/client';
import { openBrowser } from '../auth/openBrowser.js';
import type { Surroundings } from '../Surroundings.js';
import { visibleText } from '../terminal/visibleText.js';
import { parseValue, typesOf } from './typedInput.js';

interface Field {
  readonly title?: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly default?: unknown;
}

/** Puts the question of a server to the person at the terminal (MCP, elicitation). */
export async function askPerson(params: ElicitRequestParams, surroundings: Surroundings): Promise<ElicitResult> {
  const { stdin, stderr } = surroundings;
  const lines = createInterface({ input: stdin, output: stderr });
  // Who closes the input gives no answer.
  const closed = new Promise<undefined>(resolve => lines.once('close', () => resolve(undefined)));
  const ask = (question: string) => Promise.race([lines.question(question), closed]);
  try {
    stderr.write(`\n${visibleText(params.message)}\n\n`);
    if (params.mode === 'url') {
      stderr.write(`${visibleText(params.url)}\n`);
      const isAccepted = isYes(await ask('Open this page? [y/N] '));
      if (isAccepted && URL.canParse(params.url) && /^https?:/.test(params.url)) {
        await openBrowser(new URL(params.url), surroundings);
      }
      return { action: isAccepted ? 'accept' : 'decline' };
    }
    const { properties = {}, required = [] } = params.requestedSchema as {
      properties?: Record<string, Field>;
      required?: string[];
    };
    const content: Record<string, unknown> = {};
    for (const [name, field] of Object.entries(properties)) {
      const answer = await askField(name, field, required.includes(name), ask, stderr);
      if (answer === undefined) {
        return { action: 'cancel' };
      }
      if (answer.value !== undefined) {
        content[name] = answer.value;
      }
    }
    const last = await ask('Accept? [y/N] ');
    return last === undefined
      ? { action: 'cancel' }
      : isYes(last)
        ? { action: 'accept', content: content as NonNullable<ElicitResult['content']> }
        : { action: 'decline' };
  } finally {
    lines.close();
  }
}

async function askField(
  name: string,
  field: Field,
  isRequired: boolean,
  ask: (question: string) => Promise<string | undefined>,
  stderr: Surroundings['stderr'],
): Promise<{ value: unknown } | undefined> {
  const hint = [
    field.description,
    field.enum?.join(' | ') ?? typesOf(field).join(' | '),
    field.default === undefined ? undefined : `default ${JSON.stringify(field.default)}`,
    isRequired ? undefined : 'may be left empty',
  ]
    .filter(Boolean)
    .join('; ');
  for (;;) {
    const text = await ask(visibleText(`${field.title ?? name} (${hint}): `));
    if (text === undefined) {
      return undefined;
    }
    if (text === '' && (field.default !== undefined || !isRequired)) {
      return { value: field.default };
    }
    try {
      return { value: parseValue(text, field, name) };
    } catch (error) {
      stderr.write(`${(error as Error).message}\n`);
    }
  }
}

function isYes(answer: string | undefined): boolean {
  return /^y(es)?$/i.test(answer?.trim() ?? '');
}
