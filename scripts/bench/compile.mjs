// Compiles the C programs of c/.
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findProgram } from './machine.mjs';

const SOURCES = fileURLToPath(new URL('./c/', import.meta.url));
const COMPILERS = [process.env.CC, 'gcc', 'cc', 'clang'];
const COMPILE_TIMEOUT_MS = 60_000;

/**
 * @typedef {object} Programs
 * @property {string | undefined} compiler
 * @property {Map<string, string>} paths of the programs that were built, by name
 * @property {Map<string, string>} reasons why the others were not
 */

/**
 * @param {string} folder where the programs go
 * @returns {Promise<Programs>}
 */
export async function compilePrograms(folder) {
  const names = readdirSync(SOURCES)
    .filter((file) => file.endsWith('.c'))
    .map((file) => basename(file, '.c'));
  const paths = new Map();
  const reasons = new Map();
  const compiler = COMPILERS.find((name) => name && findProgram(name));
  if (!compiler) {
    for (const name of names) reasons.set(name, 'no C compiler on this machine');
    return { compiler, paths, reasons };
  }
  for (const name of names) {
    const path = join(folder, name);
    const args = ['-O2', '-std=gnu11', '-o', path, join(SOURCES, `${name}.c`)];
    try {
      await promisify(execFile)(compiler, args, { timeout: COMPILE_TIMEOUT_MS });
      paths.set(name, path);
    } catch (error) {
      const first = /error: .*/.exec(String(error))?.[0] ?? String(error);
      reasons.set(name, `does not compile here: ${first}`);
    }
  }
  return { compiler, paths, reasons };
}
