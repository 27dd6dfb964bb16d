// Runs before everything else, on any Node that has ECMAScript modules: plain syntax, no imports.

const [major, minor] = process.versions.node.split('.').map(Number);
const supported = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major >= 24;

if (!supported) {
  console.error(
    `Callboard needs Node 20.19 or later, 22.12 or later, or 24 and up; this is ${process.versions.node}.\n` +
      'Install one from https://nodejs.org, or with your version manager (nvm install 22).',
  );
  process.exit(1);
}
