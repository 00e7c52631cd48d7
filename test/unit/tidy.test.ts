import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { basename, join, posix, sep } from 'node:path';
import { describe, test } from 'node:test';
import ts from 'typescript';
import { packageRoot } from '../support/package.js';

/** The rules of the house that a machine can keep. Each is also tried on a file that breaks it. */

const MAX_FILE_LINES = 450;
const TABLES = /^(?:native-bindings\/[^/]+\/(?:errno|winerror|ntstatus)\.ts|src\/bsd\/profiles\/.+)$/;
// What takes a module of Node's place must be importable as that is.
const DROP_INS = /^src\/(?:net|dgram)\/index\.ts$/;
const FFI = 'native-bindings/ffi.ts';
// Spelt in pieces: this file is read too.
const MARKS = [`TO${'DO'}`, `FIX${'ME'}`, 'X'.repeat(3)];
const UNFINISHED = new RegExp(`\\b(?:${MARKS.join('|')})\\b`);

/** Every folder that may hold TypeScript, and its height: imports point downwards or sideways. */
const LAYERS: readonly (readonly [path: RegExp, height: number])[] = [
  [/^native-bindings\//, 0],
  // Asks nothing but which platform this is, and names drivers by port's type.
  [/^src\/platform\./, 1],
  [/^src\/port\//, 1],
  [/^src\/bsd\//, 2],
  [/^src\/drivers\//, 3],
  [/^src\/sockets\//, 4],
  [/^src\/(?:net|dgram|regress|select)\//, 5],
  [/^src\/[^/]+$/, 6],
  [/^test\//, 7],
];

interface Source {
  /** From the package's root, with slashes. */
  readonly path: string;
  readonly text: string;
  readonly ast: ts.SourceFile;
}

interface Rule {
  readonly name: string;
  /** What breaks the rule, a line each; of all files at once, since some rules count across files. */
  readonly offences: (sources: readonly Source[]) => string[];
  readonly bad: readonly (readonly Source[])[];
  readonly good: readonly Source[];
}

function source(path: string, text: string): Source {
  return { path, text, ast: ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true) };
}

function readTree(root: string): Source[] {
  return ['src', 'native-bindings', 'test'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => `${folder}/${path.split(sep).join('/')}`)
      .sort()
      .map((path) => source(path, readFileSync(join(root, path), 'utf8'))),
  );
}

/** Visits every node, children after parents; `enter` returns false to leave a node's children out. */
function walk(node: ts.Node, enter: (node: ts.Node) => boolean): void {
  if (enter(node)) ts.forEachChild(node, (child) => walk(child, enter));
}

function nodesOf(file: Source): ts.Node[] {
  const nodes: ts.Node[] = [];
  walk(file.ast, (node) => nodes.push(node) > 0);
  return nodes;
}

function at(file: Source, node: ts.Node): string {
  return `${file.path}:${file.ast.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
}

/** What a file imports, in each way that TypeScript has for it: types and re-exports count. */
function importsOf(file: Source): string[] {
  return nodesOf(file).flatMap((node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return textOf(node.moduleSpecifier);
    if (ts.isImportTypeNode(node)) return ts.isLiteralTypeNode(node.argument) ? textOf(node.argument.literal) : [];
    if (!ts.isCallExpression(node)) return [];
    const callee = node.expression;
    const isRequire = ts.isIdentifier(callee) && callee.text === 'require';
    return isRequire || callee.kind === ts.SyntaxKind.ImportKeyword ? textOf(node.arguments[0]) : [];
  });
}

function textOf(node: ts.Node | undefined): string[] {
  return node !== undefined && ts.isStringLiteralLike(node) ? [node.text] : [];
}

function resolved(file: Source, specifier: string): string {
  return posix.join(posix.dirname(file.path), specifier);
}

function heightOf(path: string): number | undefined {
  return LAYERS.find(([pattern]) => pattern.test(path))?.[1];
}

function isRelative(specifier: string): boolean {
  return specifier.startsWith('.');
}

function isOfTests(file: Source): boolean {
  return file.path.startsWith('test/');
}

function importDirection(sources: readonly Source[]): string[] {
  return sources.flatMap((file) => {
    const height = heightOf(file.path);
    if (height === undefined) return [`${file.path} belongs to no layer`];
    return importsOf(file)
      .filter(isRelative)
      .map((specifier) => resolved(file, specifier))
      .filter((target) => !isOfTests(file) && (heightOf(target) ?? Number.POSITIVE_INFINITY) > height)
      .map((target) => `${file.path} imports ${target}, which lies above it`);
  });
}

/** `io-uring` of `src/drivers/io-uring/ring.ts`; what lies in src/drivers itself chooses between drivers. */
function driverOf(path: string): string | undefined {
  return /^src\/drivers\/([^/]+)\//.exec(path)?.[1];
}

function driversApart(sources: readonly Source[]): string[] {
  return sources.flatMap((file) => {
    const driver = driverOf(file.path);
    if (driver === undefined) return [];
    return importsOf(file)
      .filter(isRelative)
      .map((specifier) => resolved(file, specifier))
      .filter((target) => (driverOf(target) ?? driver) !== driver)
      .map((target) => `${file.path} imports ${target}, another driver`);
  });
}

function packages(sources: readonly Source[]): string[] {
  return sources.flatMap((file) =>
    importsOf(file)
      .filter((specifier) => !isRelative(specifier) && !specifier.startsWith('node:'))
      .filter((name) => {
        if (name === 'koffi' || name.startsWith('koffi/')) return file.path !== FFI;
        return !isOfTests(file) || builtinModules.includes(name);
      })
      .map((name) => `${file.path} imports ${name}`),
  );
}

/** Reads of the platform's name: process.platform, os.platform(), and imports of either. */
function platformReads(file: Source): ts.Node[] {
  return nodesOf(file).filter((node) => {
    if (ts.isPropertyAccessExpression(node)) {
      return node.name.text === 'platform' && /^(?:process|os)$/.test(node.expression.getText());
    }
    if (ts.isElementAccessExpression(node)) {
      return node.expression.getText() === 'process' && textOf(node.argumentExpression)[0] === 'platform';
    }
    if (!ts.isImportSpecifier(node) || (node.propertyName ?? node.name).text !== 'platform') return false;
    return /^node:(?:process|os)$/.test(textOf(node.parent.parent.parent.moduleSpecifier)[0] ?? '');
  });
}

function onePlatformFile(sources: readonly Source[]): string[] {
  const readers = sources.filter((file) => !isOfTests(file) && platformReads(file).length > 0);
  const inBindings = readers.filter((file) => file.path.startsWith('native-bindings/'));
  const inSrc = readers.filter((file) => file.path.startsWith('src/'));
  return [
    ...inBindings.map((file) => `${file.path} asks which platform this is`),
    ...(inSrc.length > 1 ? [`more than one file asks which platform this is: ${inSrc.map(({ path }) => path)}`] : []),
  ];
}

function fileLength(sources: readonly Source[]): string[] {
  return sources
    .filter((file) => !TABLES.test(file.path))
    .map((file) => [file.path, file.text.replace(/\n$/, '').split('\n').length] as const)
    .filter(([, lines]) => lines > MAX_FILE_LINES)
    .map(([path, lines]) => `${path} has ${lines} lines, more than ${MAX_FILE_LINES}`);
}

function defaultExports(sources: readonly Source[]): string[] {
  const isDefault = (node: ts.Node): boolean =>
    ts.isExportAssignment(node) ||
    (ts.isExportSpecifier(node) && node.name.text === 'default') ||
    (ts.canHaveModifiers(node) &&
      (ts.getModifiers(node) ?? []).some((modifier) => modifier.kind === ts.SyntaxKind.DefaultKeyword));
  const others = sources.filter((file) => !DROP_INS.test(file.path));
  return others.flatMap((file) =>
    nodesOf(file)
      .filter(isDefault)
      .map((node) => at(file, node)),
  );
}

function topLevelAwait(sources: readonly Source[]): string[] {
  const isAwait = (node: ts.Node): boolean =>
    ts.isAwaitExpression(node) ||
    (ts.isForOfStatement(node) && node.awaitModifier !== undefined) ||
    (ts.isVariableDeclarationList(node) && (node.flags & ts.NodeFlags.AwaitUsing) === ts.NodeFlags.AwaitUsing);
  return sources.flatMap((file) => {
    const found: string[] = [];
    walk(file.ast, (node) => {
      if (ts.isFunctionLike(node)) return false;
      if (isAwait(node)) found.push(at(file, node));
      return true;
    });
    return found;
  });
}

function unfinished(sources: readonly Source[]): string[] {
  return sources.flatMap((file) =>
    file.text
      .split('\n')
      .map((line, index) => [line, index + 1] as const)
      .filter(([line]) => UNFINISHED.test(line))
      .map(([line, number]) => `${file.path}:${number}: ${line.trim()}`),
  );
}

/** A test may skip itself for a reason that a probe of the platform has given it (test/support/platform-limits.ts). */
function partialRuns(sources: readonly Source[]): string[] {
  const isProbed = ({ arguments: [reason] }: ts.CallExpression) =>
    reason !== undefined && ts.isIdentifier(reason) && reason.text === 'platformLimit';
  const narrows = (node: ts.Node): boolean =>
    ts.isCallExpression(node) &&
    ts.isPropertyAccessExpression(node.expression) &&
    /^(?:only|skip)$/.test(node.expression.name.text) &&
    !isProbed(node);
  return sources.flatMap((file) =>
    nodesOf(file)
      .filter(narrows)
      .map((node) => at(file, node)),
  );
}

function fileNames(sources: readonly Source[]): string[] {
  return sources.map((file) => file.path).filter((path) => basename(path) === 'utils.ts');
}

const RULES: readonly Rule[] = [
  {
    name: 'imports point downwards',
    offences: importDirection,
    bad: [
      [source('native-bindings/linux/libc.ts', "import { limit } from '../../src/port/limits.js';")],
      [source('src/port/driver.ts', "import type { BsdStack } from '../bsd/stack.js';")],
      [source('src/bsd/linux/stack.ts', "export { driver } from '../../drivers/choose.js';")],
      [source('src/drivers/iocp/port.ts', "const late = () => import('../../sockets/tcp-socket.js');")],
      [source('src/sockets/tcp-socket.ts', "type Socket = import('../net/socket.js').Socket;")],
      [source('src/platform.ts', "import { choose } from './drivers/choose.js';")],
      [source('src/net/socket.ts', "import { x } from '../index.js';")],
      [source('src/index.ts', "import { x } from '../test/support/x.js';")],
      [source('src/index.ts', "import { x } from '../scripts/x.mjs';")],
      [source('src/helpers/x.ts', '')],
    ],
    good: [
      source(
        'src/port/driver.ts',
        "import { a } from './limits.js'; import { b } from '../../native-bindings/ffi.js';",
      ),
      source('src/net/socket.ts', "import { connect } from '../sockets/connect.js'; import net from 'node:net';"),
      source('src/drivers/choose.ts', "import { platformDrivers } from '../platform.js';"),
      source('src/cli.ts', "import { run } from './regress/runner.js';"),
      source('test/unit/x.test.ts', "import { x } from '../../src/index.js'; import { y } from '../support/y.js';"),
    ],
  },
  {
    name: 'a driver imports no other driver',
    offences: driversApart,
    bad: [[source('src/drivers/iocp/port.ts', "import { Ring } from '../io-uring/ring.js';")]],
    good: [
      source('src/drivers/iocp/port.ts', "import { x } from './x.js'; import type { Y } from '../choose.js';"),
      source(
        'src/drivers/choose.ts',
        "import { a } from './iocp/driver.js'; import { b } from './io-uring/driver.js';",
      ),
    ],
  },
  {
    name: 'koffi is imported in native-bindings/ffi.ts only, and no other package at all',
    offences: packages,
    bad: [
      [source('src/port/x.ts', "import koffi from 'koffi';")],
      [source('native-bindings/linux/libc.ts', "import type { KoffiFunction } from 'koffi';")],
      [source('test/native/x.test.ts', "const koffi = require('koffi');")],
      [source('src/port/x.ts', "import { debounce } from 'lodash';")],
      [source('src/port/x.ts', "import { readFileSync } from 'fs';")],
    ],
    good: [
      source(FFI, "import koffi from 'koffi';"),
      source('src/port/x.ts', "import { readFileSync } from 'node:fs';"),
      source('test/unit/x.test.ts', "import fc from 'fast-check';"),
    ],
  },
  {
    name: 'one file of src asks for the platform, and none of native-bindings',
    offences: onePlatformFile,
    bad: [
      ['a', 'b'].map((name) => source(`src/${name}.ts`, "export const isWindows = process.platform === 'win32';")),
      [source('src/a.ts', 'process.platform'), source('src/b.ts', "import { platform } from 'node:os';")],
      [source('src/a.ts', "process['platform']"), source('src/b.ts', 'os.platform()')],
      [source('native-bindings/linux/libc.ts', 'export const isLinux = process.platform;')],
    ],
    good: [
      source('src/platform.ts', "export const isWindows = process.platform === 'win32';"),
      source('src/port/x.ts', 'const platform = this.platform; // not process.platform'),
      source('native-bindings/linux/epoll.ts', "process.arch === 'x64'"),
      source('test/unit/x.test.ts', 'process.platform'),
    ],
  },
  {
    name: `no file but a table has more than ${MAX_FILE_LINES} lines`,
    offences: fileLength,
    bad: [
      [source('src/port/long.ts', '\n'.repeat(MAX_FILE_LINES + 1))],
      [source('src/port/errno.ts', '\n'.repeat(MAX_FILE_LINES + 1))],
    ],
    good: [
      source('src/port/long.ts', '\n'.repeat(MAX_FILE_LINES)),
      source('native-bindings/windows/winerror.ts', '\n'.repeat(1000)),
      source('src/bsd/profiles/ps3.ts', '\n'.repeat(1000)),
    ],
  },
  {
    name: 'exports have names',
    offences: defaultExports,
    bad: ['export default 1;', 'export default class X {}', 'const x = 1; export { x as default };', 'export = 1;'].map(
      (text) => [source('src/port/x.ts', text)],
    ),
    good: [
      source('src/port/x.ts', "export const x = 1; export * as y from 'node:fs'; switch (x) { default: }"),
      source('src/net/index.ts', 'export default 1;'),
    ],
  },
  {
    name: 'no module awaits at its top level',
    offences: topLevelAwait,
    bad: ['await load();', 'if (x) { y = [await load()]; }', 'for await (const x of y) {}', 'await using x = y();'].map(
      (text) => [source('src/port/x.ts', text)],
    ),
    good: [
      source('src/port/x.ts', 'async function f() { await g(); for await (const x of y) {} await using z = h(); }'),
      source('test/unit/x.test.ts', "test('x', async () => { await f(); });"),
    ],
  },
  {
    name: 'nothing is marked as unfinished',
    offences: unfinished,
    bad: [
      ...MARKS.map((mark) => [source('src/port/x.ts', `const x = 1; // ${mark}: close it`)]),
      [source('test/unit/x.test.ts', `/* ${MARKS[0]} */`)],
    ],
    good: [source('src/port/x.ts', "const path = '/tmp/XXXXXX'; const todo = []; // the TODOMVC of sockets")],
  },
  {
    name: 'no test is left out, or run alone',
    offences: partialRuns,
    bad: [
      [source('test/unit/x.test.ts', "test.only('x', () => {});")],
      [source('test/unit/x.test.ts', "describe('x', () => { it.skip('y', () => {}); });")],
      [source('test/unit/x.test.ts', "test('x', (t) => t.skip('not here'));")],
    ],
    good: [
      source('test/unit/x.test.ts', "test('skip() is fine in a name', () => { only(); skip(); });"),
      source('test/unit/x.test.ts', "test('x', async (t) => { if (platformLimit) t.skip(platformLimit); });"),
    ],
  },
  {
    name: 'no file is called utils.ts',
    offences: fileNames,
    bad: [[source('src/port/utils.ts', '')]],
    good: [source('src/port/gather.ts', '')],
  },
];

describe('tidy', () => {
  const root = packageRoot();
  const tree = readTree(root);

  test('the whole tree is read', () => {
    for (const path of ['src/index.ts', FFI, 'test/unit/tidy.test.ts']) {
      assert.ok(
        tree.some((file) => file.path === path),
        `${path} is missing`,
      );
    }
  });

  for (const rule of RULES) {
    test(rule.name, () => {
      assert.deepEqual(rule.offences(tree), []);
    });

    test(`${rule.name}: a breach is noticed, and nothing else`, () => {
      for (const files of rule.bad) {
        const shown = files.map((file) => `${file.path}: ${file.text.slice(0, 80)}`).join('\n');
        assert.equal(rule.offences(files).length, 1, shown);
      }
      assert.deepEqual(rule.offences(rule.good), []);
    });
  }
});
