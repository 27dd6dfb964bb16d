import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { coreServices, createServiceFactory, createServiceRef } from '@backstage/backend-plugin-api';
import { errorTable, localActionsServiceRef } from '@callboard/actions';
import { actionEffects, alertEvents, rulingOf, safetyModes, startupNotesServiceRef } from '@callboard/actions-api';
import { post, startTestApp, type TestApp } from '@callboard/test-utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { actionsConfigSection } from '../packages/actions/src/config.js';
import { refusalDecisions } from '../packages/actions/src/invocation/steps.js';
import { builtInProfiles, createProfile } from '../packages/actions/src/policy/profiles.js';
import { type BannerFacts, renderBanner } from '../packages/backend/src/banner.js';
import { approvalsConfigSection } from '../plugins/approvals-backend/src/config.js';
import { auditConfigSection } from '../plugins/audit-backend/src/config.js';
import { authConfigSection } from '../plugins/auth-backend/src/config.js';
import {
  defaultClientIdPatterns,
  defaultRedirectUriPatterns,
} from '../plugins/auth-backend/src/registration/defaultPatterns.js';
import { Browser } from '../plugins/auth-backend/src/testing/Browser.js';
import { mcpConfigSection } from '../plugins/mcp-actions-backend/src/config.js';
import { RefusedRequest } from '../plugins/mcp-actions-backend/src/guards/RefusedRequest.js';
import { safetyConfigSection } from '../plugins/safety-backend/src/config.js';

const rootDir = fileURLToPath(new URL('..', import.meta.url));
const mcpPluginDir = 'plugins/mcp-actions-backend';
const authPluginDir = 'plugins/auth-backend';
const approvalsPluginDir = 'plugins/approvals-backend';
const auditPluginDir = 'plugins/audit-backend';
const safetyPluginDir = 'plugins/safety-backend';
const maxImageBytes = 150_000;

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

/** The status and code of each request that the plugin turns away, without repetition. */
function findRefusals(): string[] {
  const constants = read(`${mcpPluginDir}/src/guards/RefusedRequest.ts`);
  const codeOf = (text: string) =>
    Number((constants.match(new RegExp(`${text} = (-[\\d_]+)`))?.[1] ?? text).replaceAll('_', ''));
  const sources = listFiles(`${mcpPluginDir}/src`, '.ts').filter(path => !path.endsWith('.test.ts'));
  const calls = sources.flatMap(path => takeCalls(read(path), 'new RefusedRequest('));
  // Bodies are read by the actions package, and what is wrong with them is answered by the plugin.
  const bodyCalls = listFiles('packages/actions/src/http', '.ts').flatMap(path =>
    takeCalls(read(path), 'new BodyError('),
  );
  return [
    ...new Set(
      [...calls, ...bodyCalls.map(call => call.replace('isMalformed: true', 'code: JSON_RPC_PARSE_ERROR'))]
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

/** The arguments of each call that begins with this text. */
function takeCalls(source: string, beginning: string): string[] {
  return source.split(beginning).slice(1).map(takeArguments);
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
const { schema: authConfigSchema } = authConfigSection;
const configSchemas = {
  mcpActions: mcpConfigSchema,
  'backend.actions': actionsConfigSchema,
  auth: authConfigSchema,
  audit: auditConfigSection.schema,
  approvals: approvalsConfigSection.schema,
  safety: safetyConfigSection.schema,
};
type Section = keyof typeof configSchemas;
const sections = Object.keys(configSchemas) as Section[];
/** Defaults that have a list of their own on the page. */
const longDefaults = [defaultRedirectUriPatterns, defaultClientIdPatterns].map(patterns => JSON.stringify(patterns));

function listConfigKeys(section: Section): ConfigKey[] {
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
  const text = typeof schema.default === 'string' ? schema.default : JSON.stringify(schema.default);
  const written = longDefaults.includes(text) ? '[below](#default-patterns)' : text;
  return [{ key, type: describeType(schema), default: required ? 'required' : (written ?? '') }];
}

function describeType({ type = '', items, enum: values, minimum, maximum }: JsonSchema): string {
  if (values) {
    const words = values.map(value => `\`${value}\``);
    return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
  }
  if (items?.enum) {
    return `list of ${describeType(items)}`;
  }
  const range = minimum === undefined || maximum === undefined ? '' : `, ${minimum} to ${maximum}`;
  return type === 'array' ? `${items?.type}[]` : `${type}${range}`;
}

describe('docs/configuration.md', () => {
  it.each(sections)('lists the keys of %s with their types and defaults', section => {
    const rows = tableUnder('docs/configuration.md', section);

    expect(rows.map(([key, type, value]) => ({ key, type, default: value }))).toEqual(listConfigKeys(section));
  });

  it('lists the default patterns of the auth plugin', () => {
    const lists = codeBlocks('docs/configuration.md', 'text').map(text => text.trim().split('\n'));

    expect(lists).toEqual([defaultRedirectUriPatterns, defaultClientIdPatterns]);
  });

  it.each([
    ['MCP', `${mcpPluginDir}/src/config.ts`],
    ['auth', `${authPluginDir}/src/config.ts`],
    ['auth', `${authPluginDir}/src/listenHost.ts`],
    ['auth', `${authPluginDir}/src/signIn/providers/ProviderSignIn.ts`],
  ])('lists what the %s plugin reads outside of its own section in %s', (plugin, file) => {
    const keys = [...read(file).matchAll(/'((?:auth|backend|mcpActions)\.[\w.]+)'/g)]
      .map(([, key = '']) => key)
      .filter(key => key !== 'backend.listen.host');

    const rows = tableUnder('docs/configuration.md', `Backstage keys that the ${plugin} plugin reads`).flatMap(
      ([key = '']) => key.replaceAll('`', '').split(', '),
    );

    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys) {
      expect(rows).toContainEqual(expect.stringMatching(new RegExp(`^${key.replaceAll('.', '\\.')}(\\.enabled)?$`)));
    }
  });
});

const declarations: [string, Section[]][] = [
  [mcpPluginDir, ['mcpActions', 'backend.actions']],
  [authPluginDir, ['auth']],
  [auditPluginDir, ['audit']],
  [approvalsPluginDir, ['approvals']],
  [safetyPluginDir, ['safety']],
];

describe.each(declarations)('config.d.ts of %s', (pluginDir, declaredSections) => {
  it('has the keys that the code accepts, with their types', () => {
    const declared = readDeclaredKeys(pluginDir).map(({ key, type }) => ({ key, type }));

    const accepted = declaredSections
      .flatMap(listConfigKeys)
      .map(({ key, type }) => ({ key, type: typeInTypeScript(type) }));
    expect(declared).toEqual(accepted);
  });

  it('has the defaults of the code where it has any', () => {
    const defaults = new Map(declaredSections.flatMap(listConfigKeys).map(entry => [entry.key, entry.default]));
    // What is read where this is absent is not a value of the configuration.
    defaults.set('auth.externalIssuers[].claims.scopes', 'scope');
    defaults.set('safety.alerts.webhooks[].events', 'all');

    const wrong = readDeclaredKeys(pluginDir).filter(
      ({ key, stated }) => stated !== undefined && stated !== defaults.get(key),
    );

    expect(wrong).toEqual([]);
  });
});

/** @param type - as the tables of docs/configuration.md have it. */
function typeInTypeScript(type: string): string {
  const words = [...type.matchAll(/`([^`]+)`/g)].map(([, word]) => `'${word}'`).join(' | ');
  if (words !== '') {
    return type.startsWith('list of ') ? `(${words})[]` : words;
  }
  return type.replace(/,.*/, '').replace('integer', 'number');
}

interface DeclaredKey {
  key: string;
  type: string;
  stated: string | undefined;
}

/** The leaves of `Config`, with the default that the comment before each states. */
function readDeclaredKeys(pluginDir: string): DeclaredKey[] {
  const source = read(`${pluginDir}/config.d.ts`);
  const bodies = new Map(
    [...source.matchAll(/^(?:export )?interface (\w+) \{$([\s\S]*?)^\}$/gm)].map(([, name = '', body = '']) => [
      name,
      body,
    ]),
  );
  const aliases = new Map(
    [...source.matchAll(/^type (\w+) = (.+);$/gm)].map(([, name = '', type = '']) => [name, type]),
  );
  const resolve = (body: string, parent: string): DeclaredKey[] =>
    walkDeclaration(body, parent).flatMap(entry => {
      const [, name = '', list = ''] = /^(\w+)(\[\])?$/.exec(entry.type) ?? [];
      const referenced = bodies.get(name);
      return referenced === undefined
        ? [{ ...entry, type: onOneLine(aliases.get(name) ?? entry.type) }]
        : resolve(referenced, `${entry.key}${list}`);
    });
  const root = bodies.get('Config');
  if (root === undefined) {
    throw new Error(`config.d.ts of ${pluginDir} has no interface Config`);
  }
  return resolve(root, '');
}

/** As a union is written where it fits on a line. */
function onOneLine(type: string): string {
  return type.replaceAll(/\s+/g, ' ').replace('( | ', '(').replace(' )', ')');
}

function walkDeclaration(body: string, parent: string): DeclaredKey[] {
  const token = /\/\*\*([\s\S]*?)\*\/|(?:(\w+)\??|\[(\w+): string\]):\s*(\{|[^;{}]+)|(\})/g;
  const path = [parent];
  let comment = '';
  return [...body.matchAll(token)].flatMap(({ 1: text, 2: name, 3: anyName, 4: type, 5: close, ...match }) => {
    if (text !== undefined) {
      comment = text;
      return [];
    }
    if (close) {
      path.pop();
      return [];
    }
    const key = [path.at(-1), name ?? `<${anyName}>`].filter(Boolean).join('.');
    const stated = comment.match(/[Dd]efaults to `?([\w.]+?)`?\.?\s/)?.[1];
    comment = '';
    if (type === '{') {
      const begin = (match.index ?? 0) + match[0].length;
      path.push(isListOfObjects(body.slice(begin)) ? `${key}[]` : key);
      return [];
    }
    return [{ key, type: (type ?? '').trim(), stated }];
  });
}

/** @param text - what follows the bracket that opens the object. */
function isListOfObjects(text: string): boolean {
  let depth = 1;
  const end = [...text].findIndex(character => {
    depth += { '{': 1, '}': -1 }[character] ?? 0;
    return depth === 0;
  });
  return text.startsWith('[]', end + 1);
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

  it('has what an audit trail says of a call that each step refuses', () => {
    const decisions = tableUnder('docs/invocation.md', 'Invocation').flatMap(([, , , decision]) => decision || []);

    expect(decisions).toEqual([...refusalDecisions.values()]);
  });

  it('has its steps in the diagram of the README', () => {
    const [diagram = ''] = codeBlocks('README.md', 'mermaid');
    const path = diagram.split('\n').find(line => line.includes('findVisibleAction')) ?? '';

    expect([...path.matchAll(/\[(\w+)\]/g)].map(([, step]) => step)).toEqual(steps());
  });
});

describe('docs/safety.md', () => {
  const header = (heading: string): string[] => {
    const [line = ''] = read('docs/safety.md').match(new RegExp(`(?<=^## ${heading}\\n[^#]*?)^\\|.*$`, 'm')) ?? [];
    return [...line.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
  };

  it('says what each mode says of each effect', () => {
    const columns = ['read', 'update', 'delete', 'execute'] as const;
    const rows = tableUnder('docs/safety.md', 'Modes').map(([mode = '', ...rulings]) => [
      mode.replace(/`(\w+)`.*/, '$1'),
      ...rulings,
    ]);

    expect([...header('Modes')].sort()).toEqual([...actionEffects].sort());
    expect(rows).toEqual(safetyModes.map(mode => [mode, ...columns.map(effect => rulingOf(mode, effect))]));
    expect(
      safetyModes.every(
        mode => new Set((['create', 'update', 'replace'] as const).map(effect => rulingOf(mode, effect))).size === 1,
      ),
    ).toBe(true);
  });

  it('says what each profile has', () => {
    const names = header('Profiles');
    const rows = tableUnder('docs/safety.md', 'Profiles').map(([capability = '', ...cells]) => ({
      capability: capability.match(/`([^`]+)`/)?.[1] ?? capability,
      holders: names.filter((_, index) => cells[index] === 'yes'),
    }));

    expect(names).toEqual(Object.keys(builtInProfiles));
    for (const { capability, holders } of rows) {
      expect({ capability, holders }).toEqual({
        capability,
        holders: Object.entries(builtInProfiles)
          .filter(([name, given]) => createProfile(name, given).has(capability))
          .map(([name]) => name),
      });
    }
  });
});

describe('docs/alerts.md', () => {
  it('has every event', () => {
    const documented = tableUnder('docs/alerts.md', 'Events').flatMap(([cell = '']) => cell.match(/\w+/g) ?? []);

    expect(documented).toEqual([...alertEvents]);
  });
});

describe('docs/telemetry.md', () => {
  const sources = () =>
    ['packages/actions', mcpPluginDir, authPluginDir, approvalsPluginDir, auditPluginDir, safetyPluginDir]
      .flatMap(folder => listFiles(`${folder}/src`, '.ts'))
      .filter(path => !path.endsWith('.test.ts'))
      .map(read)
      .join('\n');

  it('has every audit event', () => {
    const inCode = new Set(
      [...sources().matchAll(/(?:eventId: |audited\(\s*auditor,\s*|answer\(request, )'([\w-]+)'/g)].map(([, id]) => id),
    );

    const documented = tableUnder('docs/telemetry.md', 'Audit events').flatMap(([id = '']) =>
      id.includes('`') ? [...id.matchAll(/`([^`]+)`/g)].map(([, name]) => name) : [id],
    );

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
    const links = [...read(page).matchAll(/\]\(([^)\s]+)\)|\b(?:src|srcset)="([^"]+)"/g)].map(
      ([, target, image]) => target ?? image ?? '',
    );

    const broken = links.filter(target => !/^[a-z]+:/.test(target) && !leadsSomewhere(page, target));

    expect(broken).toEqual([]);
  });

  it('lead from the README to every page of docs/', () => {
    const readme = read('README.md');

    expect(listFiles('docs', '.md').filter(page => !readme.includes(`(${page})`))).toEqual([]);
  });
});

describe('docs/images', () => {
  it.each(listFiles('docs/images', ''))('%s is small, and shown with a text in its place', image => {
    const shownIn = pages.filter(page => read(page).includes(image.replace('docs/', '')));

    expect(statSync(join(rootDir, image)).size).toBeLessThan(maxImageBytes);
    expect(shownIn).not.toEqual([]);
    for (const page of shownIn) {
      expect(read(page)).not.toMatch(/<img(?![^>]*\balt="[^"]{20,}")[^>]*>/);
    }
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
    expect(findMistakes(parseYaml(text))).toEqual([]);
  });

  it.each(['actions', 'audit', 'approvals', 'safety', 'mcpActions'])(
    'that app-config.yaml has as comments for %s are accepted, too',
    key => {
      const block = read('app-config.yaml')
        .split('\n\n')
        .find(text => new RegExp(`^(  |# )?${key}:`, 'm').test(text));

      const config = parseYaml(uncomment(block ?? ''));

      expect(Object.keys(config)).toEqual([key]);
      expect(findMistakes(key === 'actions' ? { backend: config } : config)).toEqual([]);
    },
  );
});

/** What stands for values of the environment whose form is checked. */
const environment: Record<string, string> = {
  ALERT_URL: 'https://hooks.example.com/callboard',
  ALERT_SECRET: `whsec_${'A'.repeat(43)}=`,
};

function findMistakes(config: unknown): string[] {
  const text = JSON.stringify(config).replaceAll(/\$\{(\w+)\}/g, (whole, name) => environment[name] ?? whole);
  const substituted = JSON.parse(text);
  return sections.flatMap(section => {
    const value = section.split('.').reduce((holder, key) => holder?.[key], substituted);
    const issues = configSchemas[section].safeParse(value ?? {}).error?.issues ?? [];
    return issues.map(({ path, message }) => `${[section, ...path].join('.')}: ${message}`);
  });
}

/** Makes configuration of comments that are some, and leaves the sentences out. */
function uncomment(text: string): string {
  return text
    .split('\n')
    .flatMap(line => {
      const [, indent, comment] = /^( *)# ?(.*)$/.exec(line) ?? [];
      if (comment === undefined) {
        return [line];
      }
      return /^( |\w+:( |$))/.test(comment) ? [`${indent}${comment}`] : [];
    })
    .join('\n');
}

describe('the first ten minutes with the README', () => {
  let app: TestApp;
  const trailFolder = mkdtempSync(join(tmpdir(), 'callboard-docs-'));
  const standalone = parseYaml(read('app-config.yaml'));
  let seenAtStart: Pick<BannerFacts, 'notes' | 'contributions'>;

  beforeAll(async () => {
    app = await startTestApp({
      features: [
        import('@callboard/plugin-approvals-backend'),
        import('@callboard/plugin-audit-backend'),
        import('@callboard/plugin-auth-backend'),
        import('@callboard/plugin-mcp-actions-backend'),
        import('@callboard/plugin-safety-backend'),
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
      config: {
        backend: { actions: { mode: actionsConfigSchema.parse({}).mode, ...standalone.backend.actions } },
        auth: standalone.auth,
        approvals: standalone.approvals,
        audit: { file: { directory: trailFolder } },
      },
    });
  });

  afterAll(async () => {
    await app?.stop();
    rmSync(trailFolder, { recursive: true });
  });

  const [list, look, call] = [
    ...read('README.md').matchAll(/^curl http:\/\/localhost:7007(\S+)[\s\S]*?-d '(.+)'$/gm),
  ].map(([, path = '', body = '']) => ({ path, body }));
  const [listed = '', looked = '', asked = '', called = ''] = codeBlocks('README.md', 'json');
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
      lines: lines.map(line =>
        line.replace(app.url, 'http://localhost:7007').replace(trailFolder, '/home/you/callboard/data/audit'),
      ),
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

  it('calls the tool that reads as printed', async () => {
    expect(JSON.stringify(await ask(look))).toBe(looked.trim());
  });

  it('has the other call approved on the page, and records it, as printed', async () => {
    const refusal = await ask(call);
    const { url } = refusal.result._meta['callboard/approval'];
    const browser = new Browser(app.url);
    const signIn = await browser.open(url);
    const page = await browser.submit(signIn, '/sign-in', [], 'value="guest"');
    await browser.submit(page, '/decision', [['decision', 'approve']]);
    const granted = await ask(call);

    expect(plain(refusal)).toEqual(plain(JSON.parse(asked)));
    expect(page.url).toBe(url);
    expect(JSON.stringify(granted)).toBe(called.trim());
    const [trail = ''] = codeBlocks('README.md', 'jsonl');
    const printed = trail
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));
    const recorded = readTrail()
      .filter(({ name }) => name === 'todo.greet-user')
      .map((line, index) => Object.fromEntries(Object.keys(printed[index] ?? line).map(key => [key, line[key]])));
    expect(plain(recorded)).toEqual(plain(printed));
  });

  /** Without what is another one each time. */
  const plain = (value: object): unknown => {
    const text = JSON.stringify(value)
      .replaceAll(app.url, 'http://localhost:7007')
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
      .replaceAll(/(approval |pages\/|"(?:id|approvalId)":")[\w-]{22}(?![\w-])/g, '$1ID');
    return JSON.parse(text);
  };

  const readTrail = (): Record<string, unknown>[] =>
    readdirSync(trailFolder)
      .filter(name => name.endsWith('.jsonl'))
      .sort()
      .flatMap(name => readFileSync(join(trailFolder, name), 'utf8').trim().split('\n'))
      .map(line => JSON.parse(line));

  it('answers an error as docs/errors.md prints it', async () => {
    const [overMcp = ''] = codeBlocks('docs/errors.md', 'json');

    const answer = await ask({
      path: '/api/mcp-actions/v1',
      body: '{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"todo.get-item","arguments":{"id":"x"}}}',
    });

    expect(JSON.stringify(answer)).toBe(overMcp.trim());
  });
});
