/**
 * A request that is turned away before the protocol sees it. Answered with its HTTP status and a
 * JSON-RPC error; the codes of our own lie outside the range that JSON-RPC and MCP reserve.
 */
export class RefusedRequest extends Error {
  override name = 'RefusedRequest';
  readonly status: number;
  readonly code: number;
  readonly headers: Record<string, string>;
  /** Whether it looks like somebody trying what is not theirs, which the audit should know. */
  readonly isSuspicious: boolean;

  constructor(
    status: number,
    message: string,
    options: {
      code?: number;
      headers?: Record<string, string>;
      isSuspicious?: boolean;
    } = {},
  ) {
    super(message);
    this.status = status;
    this.code = options.code ?? -31_000 - status;
    this.headers = options.headers ?? {};
    this.isSuspicious = options.isSuspicious ?? [401, 403].includes(status);
  }

  get body() {
    return { jsonrpc: '2.0', error: { code: this.code, message: this.message }, id: null };
  }
}

/** JSON-RPC 2.0 §5.1 */
export const JSON_RPC_PARSE_ERROR = -32_700;
export const JSON_RPC_INVALID_REQUEST = -32_600;
/** MCP 2026-07-28, transports. */
export const HEADER_MISMATCH = -32_020;
