import { InputError } from '@backstage/errors';
import { type ActionSchema, type CallClient, type ElicitAnswer, scrubText, visibleText } from '@callboard/actions-api';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type CompiledSchema, compileSchema } from '../registry/compileSchema.js';
import { toForm } from './toForm.js';

const MAX_PROBLEM_CHARACTERS = 1_000;

/**
 * Asks for a form by `ask`, with a schema of the author's, and checks what was filled in with it.
 *
 * @throws Error if the schema cannot be a form; what `ask` throws.
 * @throws InputError if what was filled in does not fit the schema.
 */
export async function elicitForm<TSchema extends ActionSchema>(
  client: Pick<CallClient, 'ask'>,
  { message, schema }: { message: string; schema: TSchema },
): Promise<ElicitAnswer<StandardSchemaV1.InferOutput<TSchema>>> {
  const compiled: CompiledSchema = compileSchema(schema, 'input');
  const requestedSchema = toForm(compiled.jsonSchema);
  const { answer } = await client.ask({
    answer: { method: 'elicitation/create', params: { mode: 'form', message, requestedSchema } },
  });
  if (answer.action !== 'accept') {
    return { action: answer.action };
  }
  const content = await compiled.parse(answer.content ?? {});
  if (!content.ok) {
    throw new InputError(
      `What was filled in does not fit: ${visibleText(scrubText(content.problems), MAX_PROBLEM_CHARACTERS)}`,
    );
  }
  return { action: 'accept', content: content.value as StandardSchemaV1.InferOutput<TSchema> };
}
