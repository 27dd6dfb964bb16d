import * as z from 'zod';
import type { Parsed } from '../registry/compileSchema.js';
import { findUriProblem } from './UriTemplate.js';

export const mimeTypeSchema = z
  .string()
  .max(255)
  .regex(/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(;[ -~]*)?$/, 'expected a MIME type such as text/markdown');

const uriSchema = z.string().refine(uri => findUriProblem(uri) === undefined, 'expected an absolute URI');
const base64Schema = z.string().refine(isBase64, 'expected bytes as base64');
const metaSchema = z.record(z.string(), z.json()).optional();

/** As `ContentAnnotations` of actions-api. */
export const annotationsSchema = z.object({
  audience: z.array(z.enum(['user', 'assistant'])).optional(),
  priority: z.number().min(0).max(1).optional(),
  lastModified: z.iso.datetime({ offset: true }).optional(),
});

const contentsShape = { uri: uriSchema, mimeType: mimeTypeSchema.optional(), _meta: metaSchema };

/** As `ResourceContents` of actions-api: text or bytes, not both. */
const resourceContentsSchema = z.union([
  z.object({ ...contentsShape, text: z.string(), blob: z.undefined().optional() }),
  z.object({ ...contentsShape, blob: base64Schema, text: z.undefined().optional() }),
]);

/** As `ContentBlock` of actions-api. */
const contentBlockSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: z.string(), annotations: annotationsSchema.optional() }),
  z.object({
    type: z.enum(['image', 'audio']),
    data: base64Schema,
    mimeType: mimeTypeSchema,
    annotations: annotationsSchema.optional(),
  }),
  z.object({
    type: z.literal('resource'),
    // MCP 2025-11-25, server/prompts: what is embedded has a MIME type.
    resource: resourceContentsSchema.transform(resource => ({
      mimeType: resource.text === undefined ? 'application/octet-stream' : 'text/plain',
      ...resource,
    })),
    annotations: annotationsSchema.optional(),
  }),
  z.object({
    type: z.literal('resource_link'),
    uri: uriSchema,
    name: z.string(),
    title: z.string().optional(),
    description: z.string().optional(),
    mimeType: mimeTypeSchema.optional(),
    annotations: annotationsSchema.optional(),
  }),
]);

/** What a resource's `read` comes to, with defaults filled in. */
export const readOutputSchema = z.object({ contents: z.array(resourceContentsSchema).min(1) });

/** What a prompt's `get` comes to. */
export const promptOutputSchema = z.object({
  description: z.string().optional(),
  messages: z.array(z.object({ role: z.enum(['user', 'assistant']), content: contentBlockSchema })),
});

/** One of the resources that a template's `list` names. */
export const listedResourceSchema = z.object({
  uri: uriSchema,
  name: z.string().min(1),
  title: z.string().optional(),
  description: z.string().optional(),
  mimeType: mimeTypeSchema.optional(),
  size: z.int().min(0).optional(),
  annotations: annotationsSchema.optional(),
});

/** Makes a check of outputs from a schema. */
export function outputCheck(schema: z.ZodType): (output: unknown) => Parsed {
  return output => {
    const { success, data, error } = schema.safeParse(output);
    return success ? { ok: true, value: data } : { ok: false, problems: z.prettifyError(error) };
  };
}

/** RFC 4648 §4, with padding. Not by one pattern, which would go back over each of many megabytes. */
function isBase64(text: string): boolean {
  return text.length % 4 === 0 && !/[^A-Za-z0-9+/]/.test(text.replace(/={1,2}$/, ''));
}
