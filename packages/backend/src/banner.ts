import type { StartupNote } from '@callboard/actions-api';

/** What a person who starts the server should see once. */
export interface BannerFacts {
  version: string;
  readyAfterMs: number;
  notes: StartupNote[];
  /** Plugins of this process that registered actions or tried to. */
  contributions: { pluginId: string; actionIds: string[]; refused: { id: string; reason: string }[] }[];
  /** `backend.actions.pluginSources`. */
  pluginSources: string[];
  dataPlace: string;
  mcpUrl: string;
  /** `undefined` if tokens are configured: those are never shown. */
  generatedToken: string | undefined;
  warnings: string[];
}

/** Renders the first screen. */
export function renderBanner(facts: BannerFacts, { colours = false } = {}): string {
  const title = (text: string) => (colours ? `\u001b[1m${text}\u001b[22m` : text);
  const sections: [string, string[]][] = [
    ...groupNotes(facts.notes),
    ['Actions', describeActions(facts)],
    ['Data', [facts.dataPlace]],
    [clientTitle(facts), JSON.stringify(clientConfiguration(facts), null, 2).split('\n')],
    ...(facts.warnings.length > 0 ? [['Look at this', facts.warnings] satisfies [string, string[]]] : []),
  ];
  const headline = `Callboard ${facts.version} is ready in ${Math.round(facts.readyAfterMs)} ms`;
  const lines = [
    title(headline),
    ...sections.flatMap(([name, content]) => ['', title(name), ...content.map(line => `  ${line}`)]),
  ];
  return `\n${lines.join('\n')}\n\n`;
}

function groupNotes(notes: StartupNote[]): [string, string[]][] {
  const groups = new Map<string, string[]>();
  for (const { title, lines } of notes) {
    groups.set(title, [...(groups.get(title) ?? []), ...lines]);
  }
  // Plugins start at the same time, so that the order in which notes come says nothing.
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
}

function describeActions({ contributions, pluginSources }: BannerFacts): string[] {
  const contributing = new Set(contributions.map(({ pluginId }) => pluginId));
  const elsewhere = pluginSources.filter(pluginId => !contributing.has(pluginId));
  const width = Math.max(...[...contributing, ...elsewhere].map(pluginId => pluginId.length));
  const lines = contributions.flatMap(({ pluginId, actionIds, refused }) => [
    `${pluginId.padEnd(width)}  ${count(actionIds.length)}${
      pluginSources.includes(pluginId) ? '' : ', not published: it is not in backend.actions.pluginSources'
    }`,
    ...refused.map(({ id, reason }) => `${' '.repeat(width)}  refused ${id}: ${reason}`),
  ]);
  lines.push(...elsewhere.map(pluginId => `${pluginId.padEnd(width)}  none here; another backend is asked for them`));
  return lines.length > 0 ? lines : ['none: no plugin has registered any'];
}

function count(actions: number): string {
  return actions === 1 ? '1 action' : `${actions} actions`;
}

function clientTitle({ generatedToken }: BannerFacts): string {
  return generatedToken === undefined
    ? 'Configuration for MCP clients (MCP_TOKEN stands for a token of backend.auth.externalAccess)'
    : 'Configuration for MCP clients (the token is good until the server stops)';
}

function clientConfiguration({ mcpUrl, generatedToken }: BannerFacts) {
  // Several clients put the environment variable in its place.
  const token = generatedToken ?? '${MCP_TOKEN}';
  return { mcpServers: { callboard: { url: mcpUrl, headers: { Authorization: `Bearer ${token}` } } } };
}
