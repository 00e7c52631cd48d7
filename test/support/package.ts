import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type PackageJson = Readonly<Record<string, unknown>>;

export function readPackage(file: string): PackageJson & { readonly name?: string } {
  return JSON.parse(readFileSync(file, 'utf8')) as PackageJson & { readonly name?: string };
}

/** The package that this test belongs to, from wherever it was compiled to. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const file = join(folder, 'package.json');
    if (existsSync(file) && readPackage(file).name === 'overlapped') return folder;
    const parent = dirname(folder);
    assert.notEqual(parent, folder, 'no package.json named overlapped above this test');
    folder = parent;
  }
}
