import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FfiNapi } from '../../src/stack.js';

/** The second FFI, which `setup_ffi_napi` of scripts/setup.sh compiles in build/ffi-napi. */
export function loadFfiNapi(): FfiNapi {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'scripts', 'ffi-napi', 'package.json'))) {
    assert.notEqual(folder, dirname(folder), 'this test lies in the package');
    folder = dirname(folder);
  }
  const built = join(folder, 'build', 'ffi-napi', 'package.json');
  assert.ok(existsSync(built), 'ffi-napi is not set up: source scripts/setup.sh, then setup_ffi_napi');
  return createRequire(built)('@2060.io/ffi-napi') as FfiNapi;
}
