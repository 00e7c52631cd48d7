// Compiles the C programs of c/ into a folder of this run.
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
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
 * @property {() => void} remove deletes them all
 */

/** @returns {Promise<Programs>} */
export async function compilePrograms() {
  const names = readdirSync(SOURCES)
    .filter((file) => file.endsWith('.c'))
    .map((file) => basename(file, '.c'));
  const paths = new Map();
  const reasons = new Map();
  const compiler = COMPILERS.find((name) => name && findProgram(name));
  if (!compiler) {
    for (const name of names) reasons.set(name, 'no C compiler on this machine');
    return { compiler, paths, reasons, remove: () => {} };
  }
  const folder = mkdtempSync(join(tmpdir(), 'overlapped-bench-'));
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
  return { compiler, paths, reasons, remove: () => rmSync(folder, { recursive: true }) };
}
