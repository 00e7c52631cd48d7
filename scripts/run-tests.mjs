// Runs the compiled test files, a process a file and one after the other: most of them measure time, and a crash in
// native code ends one file, not the run. Usage: node scripts/run-tests.mjs [--wine] [part of a path …]
//
//   --wine   runs them with Windows' Node.js under Wine (scripts/wine.sh); a file that is about another platform is
//            named with its reason instead
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runUnderWine } from './wine-tests.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const wine = process.argv.includes('--wine');
const wanted = process.argv.slice(2).filter((argument) => argument !== '--wine');

/** @param {string} folder @returns {string[]} */
function testFiles(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return testFiles(path);
    return entry.name.endsWith('.test.js') ? [path] : [];
  });
}

const files = testFiles(join(root, 'dist', 'test'))
  .map((file) => relative(root, file).split(sep).join('/'))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort();
if (files.length === 0) {
  console.error(`No test file matches ${wanted.join(', ')}`);
  process.exit(2);
}
if (wine) process.exit(runUnderWine(root, files));
const { status } = spawnSync(process.execPath, ['--expose-gc', '--test', '--test-concurrency=1', ...files], {
  cwd: root,
  stdio: 'inherit',
});
process.exit(status ?? 1);
