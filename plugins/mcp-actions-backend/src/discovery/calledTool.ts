import type { InputError } from '@backstage/errors';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import { CALL_TOOL, discoveryArguments } from './discoveryTools.js';
import { readArguments } from './readArguments.js';

/** What a request of `tools/call` calls. */
export interface CalledTool {
  readonly name: string;
  readonly input: unknown;
  /** The tool of the server itself through which it is called. */
  readonly via?: typeof CALL_TOOL;
  /** What is wrong with the arguments of that one. */
  readonly problem?: InputError;
}

/** Sees through `call_tool`, so that rules about a call are those of the tool inside. */
export function calledTool(server: PublishedServer, request: { name: string; arguments?: unknown }): CalledTool {
  const { name, arguments: input = {} } = request;
  if (name !== CALL_TOOL || !server.tools.isOwn(name)) {
    return { name, input };
  }
  try {
    const inner = readArguments(CALL_TOOL, discoveryArguments[CALL_TOOL], input);
    return { name: inner.name, input: inner.arguments, via: CALL_TOOL };
  } catch (error) {
    return { name, input, problem: error as InputError };
  }
}
