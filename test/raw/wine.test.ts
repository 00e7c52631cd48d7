import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { RawReport } from '../../src/regress/raw/report.js';
import { endedText, peerText, wireText, withCounts } from '../../src/regress/raw/words.js';
import { isWithoutWine } from '../support/wine.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const PATIENCE_MS = 300_000;

/**
 * What Wine 8 was measured to do by hand, with another program and a Linux peer, before any of this was written: an
 * independent measurement to agree with.
 */
const BY_HAND = [
  ['none/close/empty', 'FIN', ''],
  ['none/close/unread', 'RST', ''],
  ['recv-n/close/empty', 'FIN', 'STATUS_HANDLES_CLOSED'],
  ['recv-n/linger-close/empty', 'RST', 'STATUS_HANDLES_CLOSED'],
  ['recv-n/cancel-reap-close/empty', 'FIN', 'STATUS_CANCELLED'],
] as const;

function runUnderWine(cells: readonly string[]): { status: number | null; output: string; report: RawReport | null } {
  const folder = mkdtempSync(join(tmpdir(), 'raw-wine-'));
  try {
    const globs = cells.flatMap((cell) => ['--cell', cell]);
    const args = [join(ROOT, 'scripts', 'raw-wine.sh'), '--repeat', '2', '--data', folder, ...globs];
    const { status, stdout, stderr } = spawnSync('bash', args, { encoding: 'utf8', timeout: PATIENCE_MS });
    const [file] = readdirSync(folder);
    const report = file === undefined ? null : (JSON.parse(readFileSync(join(folder, file), 'utf8')) as RawReport);
    return { status, output: `${stdout}${stderr}`, report };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('the bare Winsock under Wine', { skip: process.platform !== 'linux' }, () => {
  test('Wine does what it was measured to do by hand, and never passes for Windows', () => {
    if (isWithoutWine('the bare Winsock')) return;
    const { status, output, report } = runUnderWine(BY_HAND.map(([id]) => id));
    assert.equal(status, 0, output);
    const [platform] = report?.platforms ?? [];
    assert.equal(platform?.platform.system, 'wine');
    const found = platform?.cells.map((cell) => {
      const ended = withCounts(cell, (outcome) => endedText(outcome, 'stays pending'));
      if (platform.blind === '') assert.equal(withCounts(cell, wireText), withCounts(cell, peerText));
      return [`${cell.pending}/${cell.close}/${cell.unread}`, withCounts(cell, peerText), ended];
    });
    const sorted = (rows: readonly (readonly string[])[] = []) => [...rows].sort();
    assert.deepEqual(sorted(found), sorted(BY_HAND));
  });
});
