import { type LogLevel, logLevels } from '@callboard/actions-api';
import type { Server } from '@modelcontextprotocol/server';

/** What is sent on a connection that has not said what it wants to hear; the specification leaves it open. */
const DEFAULT_LEVEL: LogLevel = 'info';

/** From which level on each connection of the 2025 era wants log messages (MCP 2025-11-25, server/utilities/logging). */
export class LogLevels {
  readonly #byConnection = new WeakMap<object, LogLevel>();
  readonly #listeners = new WeakMap<Server, (level: LogLevel) => Promise<void>>();

  /** Has a connection answer `logging/setLevel`. */
  serve(protocol: Server): void {
    protocol.setRequestHandler('logging/setLevel', async ({ params }) => {
      await this.#listeners.get(protocol)?.(params.level);
      this.set(protocol, params.level);
      return {};
    });
  }

  /** @param listener - told of a change that the client asks for; without it, there is none. */
  onChange(protocol: Server, listener: (level: LogLevel) => Promise<void>): void {
    this.#listeners.set(protocol, listener);
  }

  set(protocol: Server, level: LogLevel): void {
    this.#byConnection.set(protocol, level);
  }

  of(protocol: object): LogLevel {
    return this.find(protocol) ?? DEFAULT_LEVEL;
  }

  /** @returns undefined for a connection that has not said what it wants. */
  find(protocol: object): LogLevel | undefined {
    return this.#byConnection.get(protocol);
  }
}

/** @param wanted - undefined where nothing is wanted. */
export function isWanted(level: LogLevel, wanted: LogLevel | undefined): boolean {
  return wanted !== undefined && logLevels.indexOf(level) >= logLevels.indexOf(wanted);
}
