// Writes what each published package promises to report.api.md beside its package.json, so that a change
// of the public API shows in the diff. With --check, compares instead and fails where they differ.
import './lib/nodeVersion.mjs';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { showDifference } from './lib/difference.mjs';
import { listPackageFolders, readJson, rootDir } from './lib/paths.mjs';
import { main, ScriptError } from './lib/run.mjs';
import { setUp } from './lib/setup.mjs';

const reportName = 'report.api.md';

await main(async () => {
  const checkOnly = process.argv.includes('--check');
  await setUp({ install: 'full', build: 'full' });
  const extractor = (await import('@microsoft/api-extractor')).default;
  const changed = publishedPackages().filter(folder => !keepReport(extractor, folder, checkOnly));
  if (changed.length > 0 && checkOnly) {
    throw new ScriptError(`The public API differs from the committed report of: ${changed.join(', ')}
If that is intended, run "yarn api-reports" and commit the reports, with a changeset.`);
  }
  console.log(changed.length > 0 ? `Written: ${changed.join(', ')}` : 'The reports are up to date.');
});

function publishedPackages() {
  return listPackageFolders().filter(folder => {
    const { private: isPrivate, exports } = readJson(join(rootDir, folder, 'package.json'));
    return !isPrivate && exports?.['.']?.types !== undefined;
  });
}

/** @returns {boolean} whether the report was up to date. */
function keepReport(extractor, folder, checkOnly) {
  const file = join(rootDir, folder, reportName);
  const committed = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const current = createReport(extractor, join(rootDir, folder));
  if (committed === current) {
    return true;
  }
  if (checkOnly) {
    console.log(`\n${folder}/${reportName}\n${showDifference(committed, current)}`);
  } else {
    writeFileSync(file, current);
  }
  return false;
}

function createReport({ Extractor, ExtractorConfig }, packageFolder) {
  const reportFolder = mkdtempSync(join(tmpdir(), 'callboard-api-'));
  try {
    const entry = join(packageFolder, 'dist/index.d.ts');
    const config = ExtractorConfig.prepare({
      configObject: {
        projectFolder: packageFolder,
        mainEntryPointFilePath: entry,
        compiler: {
          overrideTsconfig: {
            compilerOptions: {
              target: 'es2023',
              lib: ['es2023'],
              module: 'nodenext',
              moduleResolution: 'nodenext',
              strict: true,
              skipLibCheck: true,
              types: ['node'],
            },
            files: [entry],
          },
        },
        apiReport: {
          enabled: true,
          reportFileName: reportName,
          reportFolder,
          reportTempFolder: join(reportFolder, 'temp'),
        },
        docModel: { enabled: false },
        dtsRollup: { enabled: false },
        tsdocMetadata: { enabled: false },
        newlineKind: 'lf',
      },
      configObjectFullPath: undefined,
      packageJsonFullPath: join(packageFolder, 'package.json'),
    });
    const errors = [];
    Extractor.invoke(config, {
      localBuild: true,
      messageCallback(message) {
        message.handled = true;
        if (message.logLevel === 'error') {
          errors.push(message.text);
        }
      },
    });
    if (errors.length > 0) {
      throw new ScriptError(`${packageFolder}: no report could be made\n${errors.join('\n')}`);
    }
    return readFileSync(join(reportFolder, reportName), 'utf8');
  } finally {
    rmSync(reportFolder, { recursive: true, force: true });
  }
}
