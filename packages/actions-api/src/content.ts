import type { JsonObject, JsonValue } from '@backstage/types';

/** Whom a block of content is for, and how much it matters (MCP 2025-11-25, server/resources, annotations). */
export interface ContentAnnotations {
  audience?: ('user' | 'assistant')[];
  /** 0 to 1; 1 is what nobody should miss. */
  priority?: number;
  /** ISO 8601. */
  lastModified?: string;
}

/** What a resource holds: text, or bytes as base64. */
export type ResourceContents = { uri: string; mimeType?: string; _meta?: JsonObject } & (
  | { text: string }
  | { blob: string }
);

/** A block of content as MCP has it (2025-11-25, server/tools, tool result). Bytes are base64. */
export type ContentBlock = { annotations?: ContentAnnotations } & (
  | { type: 'text'; text: string }
  | { type: 'image' | 'audio'; data: string; mimeType: string }
  | { type: 'resource'; resource: ResourceContents }
  | { type: 'resource_link'; uri: string; name: string; title?: string; description?: string; mimeType?: string }
);

/** An output as text that a model reads more easily than JSON. */
export type TextView =
  | {
      kind: 'table';
      /** Keys of the rows, in their order; a title stands for its key in the head. */
      columns: (string | { key: string; title: string })[];
      rows: JsonObject[];
      /** A line before the table. */
      title?: string;
    }
  | { kind: 'keyValue'; entries: Record<string, JsonValue | undefined>; title?: string }
  | { kind: 'markdown'; text: string };
