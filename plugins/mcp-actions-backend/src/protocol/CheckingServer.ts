import {
  type JSONRPCRequest,
  ProtocolError,
  ProtocolErrorCode,
  type Result,
  Server,
  type ServerContext,
} from '@modelcontextprotocol/server';

type Handler = (request: JSONRPCRequest, ctx: ServerContext) => Promise<Result>;

/**
 * Answers parameters that are not what the protocol says with `-32602` (JSON-RPC 2.0, §5.1). The SDK
 * does so for `tools/call`, and has `-32603` for all other methods.
 */
export class CheckingServer extends Server {
  protected override _wrapHandler(method: string, handler: Handler): Handler {
    return super._wrapHandler(method, async (request, ctx) => {
      try {
        return await handler(request, ctx);
      } catch (error) {
        // Handlers throw errors of the protocol alone (see `guarded`), and so this is the SDK's check of parameters.
        throw error instanceof ProtocolError
          ? error
          : new ProtocolError(
              ProtocolErrorCode.InvalidParams,
              `Invalid ${method} request: ${error instanceof Error ? error.message : String(error)}`,
            );
      }
    });
  }
}
