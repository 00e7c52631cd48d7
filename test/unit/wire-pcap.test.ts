import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { SCENARIOS } from '../../src/regress/scenarios/index.js';
import { pcapName, pcapOf, preparePcapDirectory, writePcap } from '../../src/regress/wire/pcap.js';
import { hex } from '../support/packets.js';

const FRAME = {
  seconds: 0x01020304,
  nanoseconds: 0x05060708,
  bytes: Uint8Array.of(0xaa, 0xbb, 0xcc),
  wireBytes: 0x1234,
};

describe('a capture file', () => {
  // draft-ietf-opsawg-pcap: magic, 2.4, two reserved fields, snap length, link type 1; then time, kept and whole length.
  const header = '4d3cb2a1 0200 0400 00000000 00000000 00000400 01000000';

  test('is the published format, byte for byte', () => {
    const record = '04030201 08070605 03000000 34120000 aabbcc';
    assert.deepEqual(pcapOf([FRAME, FRAME]), hex(`${header}${record}${record}`));
  });

  test('of nothing has its header', () => {
    assert.deepEqual(pcapOf([]), hex(header));
  });

  test('has a name that is safe, and one of its own for each scenario and driver', () => {
    assert.equal(pcapName('close/fin', 'io_uring'), 'close-fin.io_uring.pcap');
    assert.match(pcapName('../..\\etc:*?"<>|\u0000/x', 'a/b'), /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.pcap$/);
    const names = SCENARIOS.flatMap(({ id }) => [pcapName(id, 'io_uring'), pcapName(id, 'readiness')]);
    assert.equal(new Set(names).size, names.length);
  });

  test('goes into a directory that is made for it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'overlapped-pcap-'));
    try {
      const directory = join(folder, 'a', 'b');
      preparePcapDirectory(directory);
      writePcap(directory, 'x.pcap', [FRAME]);
      assert.deepEqual(new Uint8Array(readFileSync(join(directory, 'x.pcap'))), pcapOf([FRAME]));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('cannot go where a file is', () => {
    const folder = mkdtempSync(join(tmpdir(), 'overlapped-pcap-'));
    try {
      writeFileSync(join(folder, 'file'), '');
      assert.throws(() => preparePcapDirectory(join(folder, 'file')), { code: 'EEXIST' });
      assert.throws(() => preparePcapDirectory(join(folder, 'file', 'x')), { code: 'ENOTDIR' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
