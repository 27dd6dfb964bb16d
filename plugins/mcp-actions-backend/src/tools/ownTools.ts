import type { Tool } from '@modelcontextprotocol/server';
import type { ServerConfig } from '../config.js';
import { discoveryTools } from '../discovery/discoveryTools.js';
import { readOutputTool } from '../outputs/readOutput.js';

/** The tools that a server has itself: those that find and call the others, and the one that reads on. */
export function ownToolsOf({
  discovery,
  maxOutputCharacters,
}: Pick<ServerConfig, 'discovery' | 'maxOutputCharacters'>): Tool[] {
  return [
    ...(discovery === 'search' ? discoveryTools : []),
    ...(maxOutputCharacters === undefined ? [] : [readOutputTool]),
  ];
}
