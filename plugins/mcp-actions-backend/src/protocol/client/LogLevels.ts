import { type LogLevel, logLevels } from '@callboard/actions-api';
import type { Server } from '@modelcontextprotocol/server';

/** What is sent on a connection that has not said what it wants to hear; the specification leaves it open. */
const DEFAULT_LEVEL: LogLevel = 'info';

/** From which level on each connection of the 2025 era wants log messages (MCP 2025-11-25, server/utilities/logging). */
export class LogLevels {
  readonly #byConnection = new WeakMap<Server, LogLevel>();

  /** Has a connection answer `logging/setLevel`. */
  serve(protocol: Server): void {
    protocol.setRequestHandler('logging/setLevel', ({ params }) => {
      this.#byConnection.set(protocol, params.level);
      return {};
    });
  }

  of(protocol: Server): LogLevel {
    return this.#byConnection.get(protocol) ?? DEFAULT_LEVEL;
  }
}

/** @param wanted - undefined where nothing is wanted. */
export function isWanted(level: LogLevel, wanted: LogLevel | undefined): boolean {
  return wanted !== undefined && logLevels.indexOf(level) >= logLevels.indexOf(wanted);
}
