import { type ClientKind, clientKinds, connectClient, type ToolResult } from '@callboard/test-utils';
import { inspectorCli, inspectorTransports } from './inspectorCli.js';

export interface ToolClient {
  listTools(): Promise<{ name: string }[]>;
  callTool(name: string, input: Record<string, unknown>): Promise<ToolResult>;
  close(): Promise<void>;
}

type Connect = (target: { url: string; token: string }) => Promise<ToolClient>;

const connectOfficialClient =
  (kind: ClientKind): Connect =>
  target =>
    connectClient({ ...target, kind });

/** Every client a person may point at the server, each by its own code. */
export const realClients = new Map<string, Connect>([
  ...clientKinds.map((kind): [string, Connect] => [kind, connectOfficialClient(kind)]),
  ...inspectorTransports.map((transport): [string, Connect] => [
    `inspector-cli-${transport}`,
    async target => inspectorCli({ ...target, transport }),
  ]),
]);
