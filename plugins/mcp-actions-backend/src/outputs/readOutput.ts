import type { JsonObject } from '@backstage/types';
import { principalKey, type VisibleAction } from '@callboard/actions';
import type { ResourceContents } from '@callboard/actions-api';
import { type CallToolResult, ProtocolError, ProtocolErrorCode, type Tool } from '@modelcontextprotocol/server';
import * as z from 'zod';
import { readArguments } from '../discovery/readArguments.js';
import type { ClientSide } from '../protocol/ClientSide.js';
import { makeCall } from '../protocol/makeCall.js';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import type { CallerContext, RequestContext } from '../protocol/RequestContext.js';
import { type KeptOutput, OUTPUT_URI_PREFIX } from './OutputStore.js';
import { readCursor, textOf } from './outputParts.js';

export const READ_OUTPUT = 'read_output';

const argumentsSchema = z.strictObject({
  cursor: z.string().min(1).max(256).describe('From a result that was cut, or from the part before'),
});

export const readOutputTool: Tool = {
  name: READ_OUTPUT,
  title: 'Read on',
  description: 'Returns the next part of an output that was too long for one result.',
  inputSchema: inputSchemaOf(argumentsSchema),
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
};

/** Whom outputs are kept for, and to whom they are shown again: this principal, with this client, on this server. */
export function ownerOf({ config }: PublishedServer, { credentials, grant }: CallerContext): string {
  return JSON.stringify([principalKey(credentials), grant?.clientId ?? null, config.key ?? null]);
}

/**
 * Makes one attempt at `read_output`: a call that reads, under all rules that hold for the action
 * whose output it was.
 *
 * @throws ProtocolError `-32602` for a cursor that is not this caller's.
 */
export function readOutput(
  server: PublishedServer,
  input: unknown,
  context: RequestContext,
  client: ClientSide,
): ReturnType<typeof makeCall<CallToolResult>> {
  return makeCall<CallToolResult>(
    server,
    {
      method: 'tools/call',
      name: READ_OUTPUT,
      subject: `Tool "${READ_OUTPUT}"`,
      input,
      find: async () => {
        const { cursor } = readArguments(READ_OUTPUT, argumentsSchema, input);
        const read = readCursor(cursor);
        const found = read && (await server.services.outputs.find(read.id, ownerOf(server, context), read.position));
        // The part is cut out in the call: what refuses it, such as a limit, comes before the cost.
        return (
          found &&
          reading(server, found, context, () => found.part(read.position, server.config.maxOutputCharacters ?? 0))
        );
      },
      eventId: 'tool-execution',
      meta: { toolName: READ_OUTPUT },
      toResult: ({ output }) => ({
        content: [{ type: 'text', text: JSON.stringify(output) }],
        structuredContent: output as JsonObject,
      }),
      toFailure: ({ name, message }) => ({ content: [{ type: 'text', text: `${name}: ${message}` }], isError: true }),
      toUnknown: () =>
        new ProtocolError(
          ProtocolErrorCode.InvalidParams,
          'Unknown cursor: expected one that a result of this server gave you in the last 15 minutes',
        ),
    },
    context,
    client,
  );
}

/**
 * Looks up what a URI of a kept output stands for.
 *
 * @returns an action that reads it, whose output is what `resources/read` answers with; undefined for
 * other URIs, and if there is none or it is somebody else's.
 */
export async function findKeptOutput(
  server: PublishedServer,
  uri: string,
  context: CallerContext,
): Promise<VisibleAction | undefined> {
  if (!uri.startsWith(OUTPUT_URI_PREFIX)) {
    return undefined;
  }
  const found = await server.services.outputs.find(uri.slice(OUTPUT_URI_PREFIX.length), ownerOf(server, context));
  return found && reading(server, found, context, async () => ({ contents: contentsOf(await found.whole(), uri) }));
}

/** The action whose output was kept, as one that reads it again; undefined if the caller may not see it any more. */
async function reading(
  { tools }: PublishedServer,
  { actionId }: { actionId: string },
  { credentials }: CallerContext,
  run: () => Promise<object>,
): Promise<VisibleAction | undefined> {
  const action = await tools.findById(actionId, credentials);
  return (
    action && {
      descriptor: action.descriptor,
      checks: {
        input: () => ({ ok: true, value: undefined }),
        output: value => ({ ok: true, value }),
      },
      effect: () => 'read',
      run: async () => ({ output: await run() }),
    }
  );
}

/** The output as JSON, then blocks of content that have something of their own. */
function contentsOf({ json, content }: Pick<KeptOutput, 'json' | 'content'>, uri: string): ResourceContents[] {
  return [
    { uri, mimeType: 'application/json', text: json },
    ...content.flatMap((block, index): ResourceContents[] => {
      const own = `${uri}/content/${index}`;
      const text = textOf(block);
      if (text !== undefined) {
        const mimeType = block.type === 'resource' ? block.resource.mimeType : undefined;
        return [{ uri: own, mimeType: mimeType ?? 'text/plain', text }];
      }
      if (block.type === 'image' || block.type === 'audio') {
        return [{ uri: own, mimeType: block.mimeType, blob: block.data }];
      }
      if (block.type === 'resource_link') {
        return [{ uri: own, mimeType: 'application/json', text: JSON.stringify(block) }];
      }
      return block.type === 'resource' && 'blob' in block.resource ? [block.resource] : [];
    }),
  ];
}

function inputSchemaOf(schema: z.ZodType): Tool['inputSchema'] {
  const { $schema, ...inputSchema } = z.toJSONSchema(schema, { io: 'input' });
  return inputSchema as Tool['inputSchema'];
}
