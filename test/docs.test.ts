import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { coreServices, createServiceFactory, createServiceRef } from '@backstage/backend-plugin-api';
import { errorTable, localActionsServiceRef } from '@callboard/actions';
import { startupNotesServiceRef } from '@callboard/actions-api';
import { post, startTestApp, type TestApp } from '@callboard/test-utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { actionsConfigSection } from '../packages/actions/src/config.js';
import { type BannerFacts, renderBanner } from '../packages/backend/src/banner.js';
import { mcpConfigSection } from '../plugins/mcp-actions-backend/src/config.js';
import { RefusedRequest } from '../plugins/mcp-actions-backend/src/guards/RefusedRequest.js';

const rootDir = fileURLToPath(new URL('..', import.meta.url));
const mcpPluginDir = 'plugins/mcp-actions-backend';

const read = (path: string): string => readFileSync(join(rootDir, path), 'utf8');

const listFiles = (folder: string, ending: string): string[] =>
  readdirSync(join(rootDir, folder), { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith(ending) && !/(^|\/)(node_modules|dist)\//.test(path))
    .map(path => join(folder, path));

const packageReadmes = ['packages', 'plugins']
  .flatMap(parent => readdirSync(join(rootDir, parent)).map(name => join(parent, name, 'README.md')))
  .filter(path => existsSync(join(rootDir, path)));
const pages = ['README.md', 'CONTRIBUTING.md', ...listFiles('docs', '.md'), ...packageReadmes];

/** The rows of the table under a heading, each cell without its backticks if they enclose all of it. */
function tableUnder(page: string, heading: string): string[][] {
  const section = read(page)
    .split(/^#+ /m)
    .find(text => text.startsWith(`${heading}\n`));
  if (section === undefined) {
    throw new Error(`${page} has no heading "${heading}"`);
  }
  const lines = section.split('\n');
  const start = lines.findIndex(line => line.startsWith('|'));
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'));
  return lines.slice(start + 2, end).map(line =>
    line
      .slice(1, -1)
      .split('|')
      .map(cell => cell.trim().replace(/^`([^`]*)`$/, '$1')),
  );
}

/** Fenced code blocks; those in list items are indented. */
function codeBlocks(page: string, language: string): string[] {
  const fence = new RegExp(`^( *)\`\`\`${language}\\n([\\s\\S]*?)^ *\`\`\`$`, 'gm');
  return [...read(page).matchAll(fence)].map(([, indent = '', text = '']) =>
    text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  );
}

const codeExamples = (language: string) =>
  pages.flatMap(page => codeBlocks(page, language).map((text, index) => ({ page, number: index + 1, text })));

describe('docs/errors.md', () => {
  it('has the errors that callers are shown', () => {
    const rows = tableUnder('docs/errors.md', 'Errors of actions');

    expect(rows).toEqual(
      Object.entries(errorTable).map(([name, { status, meaning }]) => [name, String(status), meaning]),
    );
  });

  it('has every status and code of refused requests', () => {
    const rows = tableUnder('docs/errors.md', 'Refused requests').map(([status, code]) => `${status} ${code}`);

    expect([...rows].sort()).toEqual(findRefusals().sort());
  });
});

/** The status and code of each `new RefusedRequest(…)` in the plugin, without repetition. */
function findRefusals(): string[] {
  const constants = read(`${mcpPluginDir}/src/guards/RefusedRequest.ts`);
  const codeOf = (text: string) =>
    Number((constants.match(new RegExp(`${text} = (-[\\d_]+)`))?.[1] ?? text).replaceAll('_', ''));
  const sources = listFiles(`${mcpPluginDir}/src`, '.ts').filter(path => !path.endsWith('.test.ts'));
  const calls = sources.flatMap(path => read(path).split('new RefusedRequest(').slice(1).map(takeArguments));
  return [
    ...new Set(
      calls
        .filter(call => /^\d/.test(call))
        .map(call => {
          const status = Number.parseInt(call, 10);
          const given = call.match(/\bcode: ([\w-]+)/)?.[1];
          const { code } = new RefusedRequest(status, '', given === undefined ? {} : { code: codeOf(given) });
          return `${status} ${code}`;
        }),
    ),
  ];
}

/** What comes before the bracket that closes a call. */
function takeArguments(text: string): string {
  let depth = 1;
  const end = [...text].findIndex(character => {
    depth += { '(': 1, ')': -1 }[character] ?? 0;
    return depth === 0;
  });
  return text.slice(0, end).trim();
}

interface ConfigKey {
  key: string;
  type: string;
  /** Empty for none. */
  default: string;
}

/** The part of JSON Schema that configuration schemas use. */
interface JsonSchema {
  type?: string;
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema | boolean;
  items?: JsonSchema;
  required?: string[];
  enum?: string[];
  minimum?: number;
  maximum?: number;
  default?: unknown;
}

const { schema: actionsConfigSchema } = actionsConfigSection;
const { schema: mcpConfigSchema } = mcpConfigSection;
const configSchemas = { mcpActions: mcpConfigSchema, 'backend.actions': actionsConfigSchema };

function listConfigKeys(section: keyof typeof configSchemas): ConfigKey[] {
  const schema = configSchemas[section]['~standard'].jsonSchema.input({ target: 'draft-07' }) as JsonSchema;
  return walkSchema(section, schema, false);
}

function walkSchema(key: string, schema: JsonSchema, required: boolean): ConfigKey[] {
  if (schema.properties) {
    return Object.entries(schema.properties).flatMap(([name, child]) =>
      walkSchema(`${key}.${name}`, child, schema.required?.includes(name) ?? false),
    );
  }
  if (typeof schema.additionalProperties === 'object') {
    return walkSchema(`${key}.<key>`, schema.additionalProperties, false);
  }
  if (schema.items?.properties) {
    return walkSchema(`${key}[]`, schema.items, false);
  }
  const written = typeof schema.default === 'string' ? schema.default : JSON.stringify(schema.default);
  return [{ key, type: describeType(schema), default: required ? 'required' : (written ?? '') }];
}

function describeType({ type = '', items, enum: values, minimum, maximum }: JsonSchema): string {
  if (values) {
    return values.map(value => `\`${value}\``).join(' or ');
  }
  const range = minimum === undefined || maximum === undefined ? '' : `, ${minimum} to ${maximum}`;
  return type === 'array' ? `${items?.type}[]` : `${type}${range}`;
}

describe('docs/configuration.md', () => {
  it.each(['mcpActions', 'backend.actions'] as const)('lists the keys of %s with their types and defaults', section => {
    const rows = tableUnder('docs/configuration.md', section);

    expect(rows.map(([key, type, value]) => ({ key, type, default: value }))).toEqual(listConfigKeys(section));
  });

  it('lists what the MCP plugin reads outside of its own section', () => {
    const source = read(`${mcpPluginDir}/src/config.ts`);
    const keys = [...source.matchAll(/'((?:auth|backend)\.[\w.]+)'/g)].map(([, key = '']) => key);

    const rows = tableUnder('docs/configuration.md', 'Backstage keys that the MCP plugin reads').map(([key]) => key);

    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys) {
      expect(rows).toContainEqual(expect.stringMatching(new RegExp(`^${key.replaceAll('.', '\\.')}(\\.enabled)?$`)));
    }
  });
});

describe('config.d.ts', () => {
  it('has the keys that the code accepts, with their types', () => {
    const declared = readDeclaredKeys().map(({ key, type }) => ({ key, type }));

    const accepted = [...listConfigKeys('mcpActions'), ...listConfigKeys('backend.actions')].map(({ key, type }) => ({
      key,
      type: type.replace(/,.*/, '').replace('integer', 'number').replaceAll('`', "'").replace(' or ', ' | '),
    }));
    expect(declared).toEqual(accepted);
  });

  it('has the defaults of the code where it has any', () => {
    const defaults = new Map(
      [...listConfigKeys('mcpActions'), ...listConfigKeys('backend.actions')].map(entry => [entry.key, entry.default]),
    );

    const wrong = readDeclaredKeys().filter(({ key, stated }) => stated !== undefined && stated !== defaults.get(key));

    expect(wrong).toEqual([]);
  });
});

/** The leaves of `Config`, with the default that the comment before each states. */
function readDeclaredKeys(): { key: string; type: string; stated: string | undefined }[] {
  const source = read(`${mcpPluginDir}/config.d.ts`);
  const bodyOf = (name: string) => {
    const body = source.match(new RegExp(`^(?:export )?interface ${name} \\{$([\\s\\S]*?)^\\}$`, 'm'))?.[1];
    if (body === undefined) {
      throw new Error(`config.d.ts has no interface ${name}`);
    }
    return body;
  };
  const ruleKeys = walkDeclaration(bodyOf('ActionRule'), '');
  return walkDeclaration(bodyOf('Config'), '').flatMap(entry =>
    entry.type === 'ActionRule[]' ? ruleKeys.map(rule => ({ ...rule, key: `${entry.key}[].${rule.key}` })) : [entry],
  );
}

function walkDeclaration(body: string, parent: string): { key: string; type: string; stated: string | undefined }[] {
  const token = /\/\*\*([\s\S]*?)\*\/|(?:(\w+)\??|\[(\w+): string\]):\s*(\{|[^;{}]+)|(\})/g;
  const path = [parent];
  let comment = '';
  return [...body.matchAll(token)].flatMap(([, text, name, anyName, type, close]) => {
    if (text !== undefined) {
      comment = text;
      return [];
    }
    if (close) {
      path.pop();
      return [];
    }
    const key = [path.at(-1), name ?? `<${anyName}>`].filter(Boolean).join('.');
    const stated = comment.match(/Defaults to `?([\w.]+?)`?\.?\s/)?.[1];
    comment = '';
    if (type === '{') {
      path.push(key);
      return [];
    }
    return [{ key, type: (type ?? '').trim(), stated }];
  });
}

describe('docs/invocation.md', () => {
  const steps = (): string[] => {
    const list =
      read('packages/actions/src/invocation/steps.ts').match(/invocationSteps[^[]*\[\] = \[([^;]*)\];/)?.[1] ?? '';
    return [...list.matchAll(/askGates\('(\w+)'\)|(\w+)/g)].map(([, stage, step]) => stage ?? step ?? '');
  };

  it('has the steps of a call in their order', () => {
    expect(tableUnder('docs/invocation.md', 'Invocation').map(([step]) => step)).toEqual(steps());
  });

  it('and so has the diagram of the README', () => {
    const [diagram = ''] = codeBlocks('README.md', 'mermaid');
    const path = diagram.split('\n').find(line => line.includes('findVisibleAction')) ?? '';

    expect([...path.matchAll(/\[(\w+)\]/g)].map(([, step]) => step)).toEqual(steps());
  });
});

describe('docs/telemetry.md', () => {
  const sources = () =>
    [...listFiles('packages/actions/src', '.ts'), ...listFiles(`${mcpPluginDir}/src`, '.ts')]
      .filter(path => !path.endsWith('.test.ts'))
      .map(read)
      .join('\n');

  it('has every audit event', () => {
    const inCode = new Set([...sources().matchAll(/eventId: '([\w-]+)'/g)].map(([, id]) => id));

    const documented = tableUnder('docs/telemetry.md', 'Audit events').map(([id = '']) => id.replace(/`(.*)`.*/, '$1'));

    expect([...documented].sort()).toEqual([...inCode].sort());
  });

  it('has every metric', () => {
    const inCode = [...sources().matchAll(/create(?:Histogram|Counter|Gauge|UpDownCounter)\(\s*'([\w.]+)'/g)].map(
      ([, name]) => name,
    );

    const documented = tableUnder('docs/telemetry.md', 'Metrics').map(([name]) => name);

    expect([...documented].sort()).toEqual([...inCode].sort());
  });
});

describe('links', () => {
  it.each(pages)('of %s lead somewhere', page => {
    const links = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);

    const broken = links.filter(target => !/^[a-z]+:/.test(target) && !leadsSomewhere(page, target));

    expect(broken).toEqual([]);
  });

  it('lead from the README to every page of docs/', () => {
    const readme = read('README.md');

    expect(listFiles('docs', '.md').filter(page => !readme.includes(`(${page})`))).toEqual([]);
  });
});

function leadsSomewhere(page: string, target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? page : relative(rootDir, join(rootDir, dirname(page), path));
  if (!existsSync(join(rootDir, file))) {
    return false;
  }
  return anchor === undefined || headingAnchors(file).includes(anchor);
}

/** As GitHub makes them. */
function headingAnchors(page: string): string[] {
  const text = read(page).replaceAll(/^ *```[\s\S]*?^ *```$/gm, '');
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}

describe('examples', () => {
  it.each(codeExamples('json'))('JSON $number of $page can be parsed', ({ text }) => {
    expect(() => JSON.parse(text)).not.toThrow();
  });

  it.each(codeExamples('yaml'))('YAML $number of $page is configuration that the server accepts', ({ text }) => {
    const config = parseYaml(text) as { mcpActions?: unknown; backend?: { actions?: unknown } };

    expect(mcpConfigSchema.safeParse(config.mcpActions ?? {}).error).toBeUndefined();
    expect(actionsConfigSchema.safeParse(config.backend?.actions ?? {}).error).toBeUndefined();
  });

  it('that app-config.yaml has as comments are accepted, too', () => {
    const commented = read('app-config.yaml').match(/^# mcpActions:\n(?:#.*\n?)+/m)?.[0] ?? '';
    const { mcpActions } = parseYaml(commented.replaceAll(/^# ?/gm, ''));

    expect(mcpConfigSchema.safeParse(mcpActions).error).toBeUndefined();
  });
});

describe('the first ten minutes with the README', () => {
  let app: TestApp;
  let seenAtStart: Pick<BannerFacts, 'notes' | 'contributions'>;

  beforeAll(async () => {
    app = await startTestApp({
      features: [
        import('@callboard/plugin-mcp-actions-backend'),
        import('@callboard/plugin-example-todo-backend'),
        createServiceFactory({
          service: createServiceRef<object>({ id: 'test.start', scope: 'root' }),
          deps: { lifecycle: coreServices.rootLifecycle, local: localActionsServiceRef, notes: startupNotesServiceRef },
          factory({ lifecycle, local, notes }) {
            lifecycle.addStartupHook(() => {
              seenAtStart = { notes: notes.list(), contributions: local.list() };
            });
            return {};
          },
        }),
      ],
      config: { backend: { actions: { pluginSources: ['todo'] } } },
    });
  });

  afterAll(() => app?.stop());

  const [list, call] = [...read('README.md').matchAll(/^curl http:\/\/localhost:7007(\S+)[\s\S]*?-d '(.+)'$/gm)].map(
    ([, path = '', body = '']) => ({ path, body }),
  );
  const [listed = '', called = ''] = codeBlocks('README.md', 'json');
  const ask = async (request: { path: string; body: string } | undefined) => {
    const { message } = await post(`${app.url}${request?.path}`, request?.body, {
      token: app.token,
      headers: { Accept: '*/*' },
    });
    return message;
  };

  it('shows the first screen as printed', () => {
    const [printed = ''] = codeBlocks('README.md', 'text');
    const notes = seenAtStart.notes.map(({ title, lines }) => ({
      title,
      lines: lines.map(line => line.replace(app.url, 'http://localhost:7007')),
    }));

    const screen = renderBanner({
      ...seenAtStart,
      notes,
      version: JSON.parse(read('packages/backend/package.json')).version,
      readyAfterMs: Number(printed.match(/in (\d+) ms/)?.[1]),
      pluginSources: ['todo'],
      dataPlace: 'SQLite files in /home/you/callboard/data',
      mcpUrl: 'http://localhost:7007/api/mcp-actions/v1',
      generatedToken: printed.match(/Bearer (.+)"/)?.[1],
      warnings: [],
    });

    expect(screen.trim()).toBe(printed.trim());
  });

  it('lists the tools as printed', async () => {
    const printed = JSON.parse(listed);

    const answer = await ask(list);

    expect({ ...answer, result: {} }).toEqual({ ...printed, result: {} });
    expect(read('README.md')).toContain(`The answer has ${answer.result.tools.length} tools.`);
    expect(printed.result.tools.length).toBeGreaterThan(0);
    for (const tool of printed.result.tools) {
      expect(answer.result.tools).toContainEqual(tool);
    }
  });

  it('calls the tool as printed', async () => {
    expect(JSON.stringify(await ask(call))).toBe(called.trim());
  });

  it('answers an error as docs/errors.md prints it', async () => {
    const [overMcp = ''] = codeBlocks('docs/errors.md', 'json');

    const answer = await ask({
      path: '/api/mcp-actions/v1',
      body: '{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"todo.get-item","arguments":{"id":"x"}}}',
    });

    expect(JSON.stringify(answer)).toBe(overMcp.trim());
  });
});
