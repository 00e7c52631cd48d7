import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type PackageJson, packageRoot, readPackage } from '../support/package.js';

const DEPENDENCY_FIELDS = ['dependencies', 'optionalDependencies', 'peerDependencies'];

/** A peer that is optional is nobody's dependency: whoever wants it hands it in. */
function strangers(manifest: PackageJson): string[] {
  const optional = (manifest['peerDependenciesMeta'] ?? {}) as Record<string, { readonly optional?: boolean }>;
  return DEPENDENCY_FIELDS.flatMap((field) =>
    Object.keys(manifest[field] ?? {}).filter(
      (name) => name !== 'koffi' && !(field === 'peerDependencies' && optional[name]?.optional === true),
    ),
  );
}

describe('dependencies', () => {
  test('koffi is the only dependency', () => {
    assert.deepEqual(strangers(readPackage(join(packageRoot(), 'package.json'))), []);
  });

  test('koffi is the only dependency: a breach is noticed, and nothing else', () => {
    assert.deepEqual(strangers({ dependencies: { koffi: '3.3.4', lodash: '4.0.0' } }), ['lodash']);
    assert.deepEqual(strangers({ optionalDependencies: { bufferutil: '4.0.0' } }), ['bufferutil']);
    const peer = { 'ffi-napi': '4.0.0' };
    assert.deepEqual(strangers({ peerDependencies: peer }), ['ffi-napi']);
    assert.deepEqual(
      strangers({ peerDependencies: peer, peerDependenciesMeta: { 'ffi-napi': { optional: true } } }),
      [],
    );
    assert.deepEqual(strangers({ dependencies: { koffi: '3.3.4' }, devDependencies: { typescript: '6.0.3' } }), []);
  });
});
