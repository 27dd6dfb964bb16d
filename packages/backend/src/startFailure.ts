import { isError } from '@backstage/errors';

/** Tells the operator in one message why the server did not start. */
export function renderStartFailure(error: unknown): string {
  const failedByText = new Map<string, string[]>();
  for (const { where, error: cause } of findCauses(error)) {
    const text = describe(cause);
    failedByText.set(text, [...(failedByText.get(text) ?? []), ...where]);
  }
  const causes = [...failedByText].map(([text, where]) => (where.length > 0 ? `${where.join(', ')}: ${text}` : text));
  return `\nCallboard did not start.\n\n${causes.join('\n\n')}\n\n`;
}

/** What `BackendStartupError` of `@backstage/backend-app-api` says in its `result`. */
interface StartupResult {
  plugins: {
    pluginId: string;
    failure?: { error: Error; allowed: boolean };
    modules: { moduleId: string; failure?: { error: Error; allowed: boolean } }[];
  }[];
}

interface Cause {
  /** The plugin or module that failed; empty if the host itself did. */
  where: string[];
  error: unknown;
}

function findCauses(error: unknown): Cause[] {
  const result = isError(error) && error.name === 'BackendStartupError' ? (error.result as StartupResult) : undefined;
  const causes = (result?.plugins ?? [])
    .flatMap(({ pluginId, failure, modules }) => [
      { where: [`plugin ${pluginId}`], failure },
      ...modules.map(module => ({
        where: [`module ${module.moduleId} of plugin ${pluginId}`],
        failure: module.failure,
      })),
    ])
    .flatMap(({ where, failure }) => (failure && !failure.allowed ? [{ where, error: failure.error }] : []));
  return causes.length > 0 ? causes : [{ where: [], error }];
}

function describe(error: unknown): string {
  const chain = causeChain(error);
  const listenError = chain.find(link => link.syscall === 'listen');
  if (listenError?.code === 'EADDRINUSE') {
    return `Port ${listenError.port} is in use: stop what uses it, or choose another in backend.listen and backend.baseUrl`;
  }
  if (listenError) {
    return `Cannot listen at ${listenError.address}:${listenError.port} (${listenError.code}): choose another address in backend.listen`;
  }
  const [outer, ...causes] = chain;
  if (!outer) {
    return String(error);
  }
  if (isProgrammingError(outer)) {
    return outer.stack ?? String(outer);
  }
  return causes.reduce(
    (text, { message }) => (text.includes(message) ? text : `${text}: ${message}`),
    unwrap(outer.message),
  );
}

type ErrorLink = Error & { syscall?: string; code?: string; address?: string; port?: number };

function causeChain(error: unknown): ErrorLink[] {
  return isError(error) ? [error as ErrorLink, ...causeChain(error.cause)] : [];
}

/** Backstage puts a sentence and the error's name before the message for every service in between. */
function unwrap(message: string): string {
  const inner = message.replace(/^(?:(?:\w*Error: )?Failed to instantiate service '[^']*'.*? threw an error, )+/s, '');
  return inner === message ? message : inner.replace(/^\w*Error: /, '');
}

function isProgrammingError({ name, message }: Error): boolean {
  return /^(Type|Reference|Range|Syntax)Error$/.test(name) && !/\bconfig\b/.test(message);
}
