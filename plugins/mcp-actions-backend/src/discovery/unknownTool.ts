import { printable } from '@callboard/actions';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import type { ToolList } from '../tools/ToolList.js';

/**
 * What callers are told of a name that is not there, or not for them: on a server whose tools are found
 * by searching, with names that they may have meant, all of which they could have found.
 */
export function unknownToolMessage(server: PublishedServer, list: ToolList | undefined, name: string): string {
  const unknown = `Unknown tool: ${printable(name)}`;
  if (server.tools.isOwn(name)) {
    return `${unknown}; it is called by itself`;
  }
  const similar = list ? server.search.similarNames(list, name) : [];
  return similar.length > 0 ? `${unknown}; similar: ${similar.join(', ')}` : unknown;
}
