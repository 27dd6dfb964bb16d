// `npm run hash-password`: asks for a password, or takes it from a pipe, and prints its hash for `auth.localUsers`.
import './lib/nodeVersion.mjs';

const { createInterface } = await import('node:readline/promises');
const { Writable } = await import('node:stream');
const { text } = await import('node:stream/consumers');
const { main, ScriptError } = await import('./lib/run.mjs');
const { setUp } = await import('./lib/setup.mjs');

const minCharacters = 8;

await main(async () => {
  // Before anything else runs: what installs and builds would read the pipe empty.
  const password = process.stdin.isTTY ? await askUnseen() : (await text(process.stdin)).replace(/\r?\n$/, '');
  if (password.length < minCharacters) {
    throw new ScriptError(`Expected a password of at least ${minCharacters} characters, got ${password.length}`);
  }
  await setUp({ install: 'run', build: 'run' });
  const { hashPassword } = await import('../plugins/auth-backend/dist/signIn/passwordHash.js');
  console.log(await hashPassword(password));
});

async function askUnseen() {
  process.stderr.write(`Password (at least ${minCharacters} characters, not shown): `);
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: unseen, terminal: true });
  const password = await lines.question('');
  lines.close();
  process.stderr.write('\n');
  return password;
}
