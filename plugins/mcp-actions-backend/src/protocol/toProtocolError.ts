import { ApprovalRequiredError, type DescribedError } from '@callboard/actions';
import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';

/** As for refused requests: outside the range that JSON-RPC and MCP reserve. */
const FIRST_CODE = -31_000;

/**
 * An error that is meant for the caller, for requests whose results cannot say that they failed. Wrong
 * input is `-32602`; the others are -31000 minus the status that the HTTP door answers with.
 */
export function toProtocolError({ name, message, status }: DescribedError, thrown: unknown): ProtocolError {
  return new ProtocolError(status === 400 ? ProtocolErrorCode.InvalidParams : FIRST_CODE - status, message, {
    name,
    ...(thrown instanceof ApprovalRequiredError && { approval: thrown.approval }),
  });
}
