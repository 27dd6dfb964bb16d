import type { JsonValue } from '@backstage/types';
import type { VisibleAction } from '@callboard/actions';
import { advertisedOutput } from '../tools/toTool.js';

/**
 * How to tell whether a cut output is still what an action promises: by the action's own check; where
 * it has none here, or does not take its own output a second time, by the schema that clients see.
 */
export async function outputCheckOf(
  { checks, descriptor }: Pick<VisibleAction, 'checks' | 'descriptor'>,
  whole: JsonValue,
): Promise<(value: JsonValue) => Promise<boolean>> {
  const check = checks?.output;
  const isOk = async (value: JsonValue) => {
    try {
      return (await check?.(value))?.ok ?? false;
    } catch {
      // A check of the action's own may count on what was cut.
      return false;
    }
  };
  if (await isOk(whole)) {
    return isOk;
  }
  const schema = advertisedOutput(descriptor);
  if (!schema) {
    return async () => true;
  }
  try {
    const { AjvJsonSchemaValidator } = await import('@modelcontextprotocol/server/validators/ajv');
    const validate = new AjvJsonSchemaValidator().getValidator(schema);
    return async value => validate(value).valid;
  } catch {
    // A schema that nobody can check promises what cannot be kept by guessing.
    return async () => false;
  }
}
