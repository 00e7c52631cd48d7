#!/usr/bin/env node
/**
 * Checks every constant and struct layout of native-bindings against the real C headers: each binding file becomes
 * a C file of static assertions, which the platform's compiler reads (and does not run, or even translate).
 *
 *   npx tsc -p . && node scripts/check-headers.mjs [--optional] [--self-test]
 *
 *   --optional   a compiler that is not installed is a note instead of a failure
 *   --self-test  changes one constant, offset, size and name at a time, and expects each change to be noticed
 *
 * A binding file says what it declares by its exports:
 *   HEADERS   the headers to include, in this order (winsock2.h has to come before windows.h)
 *   DEFINES   macros to define before them, 'NAME' or 'NAME=VALUE'; _GNU_SOURCE unless it says otherwise
 *   PREAMBLE  lines of C that stand before the first include
 *   INCLUDE_PATHS  where headers are that do not lie in the compiler's own folders
 * Every other exported number or bigint is a constant of C, every defineStruct() a type of C, and every defineGuid() a
 * macro that initialises a GUID.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCES = join(ROOT, 'native-bindings');
const COMPILED = join(ROOT, 'dist', 'native-bindings');
const COMPILERS = { linux: 'gcc', posix: 'gcc', lwip: 'gcc', windows: 'x86_64-w64-mingw32-gcc' };
const PACKAGES = { gcc: 'gcc', 'x86_64-w64-mingw32-gcc': 'gcc-mingw-w64-x86-64' };
const DEFAULT_DEFINES = ['_GNU_SOURCE'];
const RESERVED = new Set(['HEADERS', 'DEFINES', 'PREAMBLE', 'INCLUDE_PATHS']);

/** @typedef {{ kind: 'constant', name: string, value: number | bigint }} Constant */
/** @typedef {{ kind: 'size', name: string, ctype: string, value: number }} Size */
/** @typedef {{ kind: 'offset' | 'width', name: string, ctype: string, field: string, value: number }} Field */
/** @typedef {{ kind: 'guid', name: string, value: string }} Guid */
/** @typedef {Constant | Size | Field} Assertion */
/** @typedef {Assertion | Guid} Check */
/** @typedef {{ line: number | null, text: string }} Complaint */
/**
 * @typedef {object} Binding
 * @property {string} file
 * @property {string} compiler
 * @property {readonly string[]} headers
 * @property {readonly string[]} defines
 * @property {readonly string[]} preamble
 * @property {readonly string[]} includePaths
 * @property {Check[]} checks
 */

const { values: options } = parseArgs({
  options: { optional: { type: 'boolean' }, 'self-test': { type: 'boolean' } },
});
process.exitCode = await main();

async function main() {
  const { bindings, problems } = await readBindings();
  const installed = new Map();
  for (const compiler of new Set(bindings.map((binding) => binding.compiler))) {
    const isInstalled = spawnSync(compiler, ['--version']).status === 0;
    installed.set(compiler, isInstalled);
    if (isInstalled) continue;
    const text = `${compiler} is not installed (Debian: apt-get install ${PACKAGES[compiler]})`;
    if (options.optional) console.log(`${text}: its bindings are not checked`);
    else problems.push(text);
  }
  for (const problem of problems) console.error(problem);
  const present = bindings.filter((binding) => installed.get(binding.compiler));
  const run = options['self-test'] ? selfTest : checkAll;
  const failed = run(present, problems.length);
  return failed === 0 ? 0 : 1;
}

/** @param {Binding[]} bindings @param {number} problems */
function checkAll(bindings, problems) {
  let checks = 0;
  let failed = problems;
  for (const binding of bindings) {
    const failures = failuresOf(binding);
    checks += binding.checks.length;
    failed += failures.length;
    const verdict = failures.length === 0 ? 'agree' : 'do NOT all agree';
    console.log(`${binding.file}: ${inventory(binding)} ${verdict} with ${binding.headers.join(', ')}`);
    for (const failure of failures) console.error(`  ${binding.file}: ${failure.text}`);
  }
  console.log(`${checks} checks, ${failed} failed`);
  // An empty dist would otherwise be in perfect agreement.
  return checks === 0 && !options.optional ? 1 : failed;
}

/** @param {Binding[]} bindings @param {number} problems */
function selfTest(bindings, problems) {
  let mutations = 0;
  let missed = problems;
  for (const binding of bindings) {
    const before = new Set(failuresOf(binding).map((failure) => failure.check));
    for (const [position, mutant] of mutantsOf(binding)) {
      mutations += 1;
      const checks = binding.checks.with(position, mutant);
      const noticed = failuresOf({ ...binding, checks }).map((failure) => failure.check);
      // The mutant alone must be blamed, or a failure of the whole file would count as vigilance.
      const blamed = noticed.filter((check) => check !== null && !before.has(check));
      if (blamed.length === 1 && blamed[0] === mutant) continue;
      missed += 1;
      console.error(`${binding.file}: not noticed: ${describe(mutant)} = ${mutant.value}`);
    }
  }
  console.log(`${mutations} mutations, ${missed} missed`);
  return mutations === 0 && !options.optional ? 1 : missed;
}

/** One wrong check of each kind, and one name that no header has. @param {Binding} binding */
function* mutantsOf(binding) {
  for (const kind of ['constant', 'size', 'offset', 'width']) {
    const position = binding.checks.findIndex((check) => check.kind === kind);
    const check = binding.checks[position];
    if (!check) continue;
    if (check.kind === 'guid') continue;
    const one = typeof check.value === 'bigint' ? 1n : 1;
    yield/** @type {const} */ ([position, { ...check, value: check.value + one }]);
    if (kind === 'constant') yield/** @type {const} */ ([position, { ...check, name: `${check.name}_` }]);
    if (kind === 'offset') yield/** @type {const} */ ([position, { ...check, field: `${check.field}_` }]);
  }
  const position = binding.checks.findIndex((check) => check.kind === 'guid');
  const guid = binding.checks[position];
  if (guid?.kind !== 'guid') return;
  yield/** @type {const} */ ([
    position,
    { ...guid, value: guid.value.replace(/.$/, (digit) => (digit === '0' ? '1' : '0')) },
  ]);
  yield/** @type {const} */ ([position, { ...guid, name: `${guid.name}_` }]);
}

async function readBindings() {
  /** @type {Binding[]} */
  const bindings = [];
  /** @type {string[]} */
  const problems = [];
  const sources = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).sort();
  for (const source of sources.filter((path) => path.endsWith('.ts'))) {
    const file = `native-bindings/${source.split(sep).join('/')}`;
    const compiled = join(COMPILED, source.replace(/\.ts$/, '.js'));
    if (!existsSync(compiled)) {
      problems.push(`${file}: not compiled; run npx tsc -p . first`);
      continue;
    }
    const folder = relative(COMPILED, compiled).split(sep)[0] ?? '';
    try {
      const exports = await import(pathToFileURL(compiled).href);
      const binding = toBinding(file, COMPILERS[folder], exports, problems);
      if (binding) bindings.push(binding);
    } catch (error) {
      problems.push(`${file}: cannot be imported: ${error instanceof Error ? error.message : error}`);
    }
  }
  return { bindings, problems };
}

/**
 * @param {string} file @param {string | undefined} compiler
 * @param {Record<string, unknown>} exports @param {string[]} problems
 * @returns {Binding | null}
 */
function toBinding(file, compiler, exports, problems) {
  const checks = Object.entries(exports).flatMap(([name, value]) => checksOf(name, value));
  if (!('HEADERS' in exports)) {
    // Elsewhere (layout.ts, memory.ts) an exported number is the library's own and has no header.
    if (compiler && checks.length > 0) problems.push(`${file}: exports ${checks[0]?.name} but no HEADERS`);
    return null;
  }
  for (const name of RESERVED) {
    const value = exports[name] ?? [];
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) continue;
    problems.push(`${file}: ${name} is not an array of strings`);
    return null;
  }
  if (!compiler) {
    problems.push(`${file}: exports HEADERS, but no compiler is known for its folder`);
    return null;
  }
  const {
    HEADERS: headers,
    DEFINES: defines = DEFAULT_DEFINES,
    PREAMBLE: preamble = [],
    INCLUDE_PATHS: includePaths = [],
  } = /** @type {Record<string, string[]>} */ (exports);
  return { file, compiler, headers: headers ?? [], defines, preamble, includePaths, checks };
}

/** @param {string} name @param {any} value @returns {Check[]} */
function checksOf(name, value) {
  if (RESERVED.has(name)) return [];
  if (typeof value === 'number' || typeof value === 'bigint') return [{ kind: 'constant', name, value }];
  if (value?.kind === 'guid') return [{ kind: 'guid', name: value.name, value: value.text }];
  if (value?.kind !== 'struct') return [];
  const { ctype } = value;
  /** @type {Check[]} */
  const checks = [{ kind: 'size', name: value.name, ctype, value: value.size }];
  for (const [field, [offset, width]] of Object.entries(value.fields)) {
    checks.push({ kind: 'offset', name: value.name, ctype, field, value: offset });
    checks.push({ kind: 'width', name: value.name, ctype, field, value: width });
  }
  return checks;
}

/** @param {Binding} binding */
function inventory(binding) {
  const count = (/** @type {Check['kind']} */ kind) => binding.checks.filter((check) => check.kind === kind).length;
  const counts = { constant: count('constant'), guid: count('guid'), struct: count('size'), field: count('offset') };
  const counted = Object.entries(counts)
    .filter(([, number]) => number > 0)
    .map(([noun, number]) => `${number} ${noun}${number === 1 ? '' : 's'}`);
  return counted.length === 0 ? 'no constants' : counted.join(', ');
}

/**
 * Compiles the binding's assertions; `check` is null where the file as a whole does not compile.
 * @param {Binding} binding
 * @returns {{ check: Check | null, text: string }[]}
 */
function failuresOf(binding) {
  const checks = binding.checks.filter((check) => check.kind !== 'guid');
  const unfit = checks.filter((check) => !fits(check.value));
  const failures = [
    ...guidFailures(binding),
    ...unfit.map((check) => ({ check, text: `${describe(check)}: ${check.value} is not a C integer` })),
  ];
  const sound = checks.filter((check) => fits(check.value));
  const lines = [...prologue(binding)];
  const firstLine = lines.length + 1;
  for (const check of sound) lines.push(`_Static_assert(${assertion(check)}, "differs");`);

  const { status, complaints } = compile(binding, lines, ['-fsyntax-only']);
  if (status === 0) return failures;
  /** @type {Map<Check, string>} */
  const blamed = new Map();
  for (const { line, text } of complaints) {
    const check = line === null ? undefined : sound[line - firstLine];
    // The first complaint about a line is the cause; the others follow from it.
    if (check) blamed.set(check, blamed.get(check) ?? text);
    else failures.push({ check: null, text: `the headers do not compile: ${text}` });
  }
  const differing = [...blamed].filter(([, text]) => isDifference(text)).map(([check]) => check);
  const actual = actualValues(binding, differing);
  for (const [check, text] of blamed) failures.push({ check, text: explain(check, text, actual.get(check)) });
  if (failures.length === 0) failures.push({ check: null, text: `${binding.compiler} ended with status ${status}` });
  return failures;
}

/**
 * A GUID's macro is an initialiser, which no static assertion can read: the preprocessor tells what it stands for.
 * @param {Binding} binding
 * @returns {{ check: Check, text: string }[]}
 */
function guidFailures(binding) {
  const guids = binding.checks.filter((check) => check.kind === 'guid');
  if (guids.length === 0) return [];
  const lines = [...prologue(binding), ...guids.map(({ name }, index) => `@@${index}: ${name}`)];
  const { output } = compile(binding, lines, ['-E', '-P']);
  return guids.flatMap((check, index) => {
    const [, expansion = ''] = new RegExp(`@@ *${index} *: (.*)`).exec(output) ?? [];
    const numbers = [...expansion.matchAll(/0x([0-9a-f]+)/gi)].map(([, digits = '']) => digits.toLowerCase());
    if (numbers.length !== 11) return [{ check, text: `${describe(check)} does not exist in the headers` }];
    const widths = [8, 4, 4, 2, 2, 2, 2, 2, 2, 2, 2];
    const padded = numbers.map((digits, i) => digits.padStart(widths[i] ?? 0, '0'));
    const actual = [...padded.slice(0, 3), padded.slice(3).join('')].join('-');
    return actual === check.value ? [] : [{ check, text: explain(check, 'static assertion failed', actual) }];
  });
}

/** @param {Binding} binding */
function prologue(binding) {
  return [
    ...binding.defines.map((define) => `#define ${define.replace('=', ' ')}`),
    ...binding.preamble.flatMap((text) => text.split('\n')),
    ...binding.headers.map((header) => `#include <${header}>`),
    '#include <stddef.h>',
  ];
}

/** @param {number | bigint} value */
function fits(value) {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return false;
  return BigInt(value) >= -(2n ** 63n) && BigInt(value) < 2n ** 64n;
}

/** The C expression whose value the check claims to know. @param {Assertion} check */
function expression(check) {
  switch (check.kind) {
    case 'constant':
      return `(${check.name})`;
    case 'size':
      return `sizeof(${check.ctype})`;
    case 'offset':
      return `offsetof(${check.ctype}, ${check.field})`;
    case 'width':
      return `sizeof(((${check.ctype} *)0)->${check.field})`;
  }
}

/** @param {Assertion} check */
function assertion(check) {
  const actual = expression(check);
  const plain = `(long long)${actual} == ${literal(check.value)}`;
  if (check.kind !== 'constant') return plain;
  // A header may type a flag or status word as a signed int where JavaScript has the same 32 bits unsigned (NTSTATUS,
  // 0xC0000120), or the other way round (1 << 31). The bits have to agree, at the width that the header gives them.
  const value = BigInt(check.value);
  const in32 = value >= -(2n ** 31n) && value < 2n ** 32n;
  const sameBits = in32 ? ` || (sizeof${actual} <= 4 && (unsigned)${actual} == ${BigInt.asUintN(32, value)}u)` : '';
  return plain + sameBits;
}

/** @param {number | bigint} value */
function literal(value) {
  return `(long long)${BigInt.asUintN(64, BigInt(value))}ull`;
}

/**
 * @param {Binding} binding @param {string[]} lines @param {string[]} flags
 * @returns {{ status: number | null, output: string, complaints: Complaint[] }}
 */
function compile({ compiler, includePaths }, lines, flags) {
  // Without -ftrack-macro-expansion=0, an error in a macro's value is reported in the header that defines it.
  const args = ['-x', 'c', '-std=gnu11', '-w', '-ftrack-macro-expansion=0', '-fdiagnostics-color=never', ...flags];
  args.push(...includePaths.map((path) => `-I${path}`), '-');
  const { status, stdout, stderr, error } = spawnSync(compiler, args, {
    input: `${lines.join('\n')}\n`,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    // Messages are matched below, and quotes are typographic in other locales.
    env: { ...process.env, LC_ALL: 'C' },
  });
  if (error) throw error;
  /** @type {Complaint[]} */
  const complaints = [];
  for (const output of stderr.split('\n')) {
    const match = /^(.+?):(\d+):(?:\d+:)? (?:fatal )?error: (.*)$/.exec(output);
    if (!match) continue;
    const here = match[1] === '<stdin>';
    complaints.push({ line: here ? Number(match[2]) : null, text: here ? `${match[3]}` : output });
  }
  return { status, output: stdout, complaints };
}

/**
 * What the header really says. The value goes through the compiler's assembly output, in the way of the kernel's
 * Kbuild asm-offsets, so that nothing has to be run: Windows' values are known on Linux.
 * @param {Binding} binding @param {Assertion[]} checks
 * @returns {Map<Check, string>}
 */
function actualValues(binding, checks) {
  const lines = [...prologue(binding), 'void actual(void) {'];
  checks.forEach((check, index) => {
    lines.push(`__asm__("@@${index}=%c0@@" : : "i"((long long)${expression(check)}));`);
  });
  lines.push('}');
  const { output } = compile(binding, lines, ['-S', '-o', '-']);
  const actual = new Map();
  for (const [, index, value] of output.matchAll(/@@(\d+)=(-?\d+)@@/g)) actual.set(checks[Number(index)], value);
  return actual;
}

/** @param {string} complaint */
function isDifference(complaint) {
  return complaint.startsWith('static assertion failed');
}

/** @param {Check} check @param {string} complaint @param {string | undefined} actual */
function explain(check, complaint, actual) {
  if (isDifference(complaint)) {
    return `${describe(check)} is ${check.value} here and ${actual ?? 'something else'} in the headers`;
  }
  if (/has no member/.test(complaint)) return `${describe(check)} does not exist: ${complaint}`;
  const isUnknown = /undeclared|incomplete type|undefined type|expected (specifier|expression)/.test(complaint);
  if (isUnknown && check.kind === 'constant') return `${describe(check)} does not exist in the headers`;
  if (isUnknown) return `${describe(check)}: the headers have no type ${check.ctype}`;
  return `${describe(check)} does not compile: ${complaint}`;
}

/** @param {Check} check */
function describe(check) {
  switch (check.kind) {
    case 'constant':
      return `constant ${check.name}`;
    case 'guid':
      return `GUID ${check.name}`;
    case 'size':
      return `sizeof(${check.ctype})`;
    case 'offset':
      return `offset of ${check.name}.${check.field}`;
    case 'width':
      return `size of ${check.name}.${check.field}`;
  }
}
