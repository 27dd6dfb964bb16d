import type { Request } from 'express';

/** The value of a form field; the first one of several, empty if there is none. */
export function readField(req: Request, name: string): string {
  return readFields(req, name)[0] ?? '';
}

/** All values of a form field, such as those of ticked boxes of one name. */
export function readFields(req: Request, name: string): string[] {
  const form: unknown = req.body;
  const value: unknown =
    typeof form === 'object' && form !== null && Object.hasOwn(form, name) ? Reflect.get(form, name) : [];
  return [value].flat().filter(entry => typeof entry === 'string');
}
