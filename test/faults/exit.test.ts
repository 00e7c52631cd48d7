import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runChild } from '../support/child.js';
import { driversUnderTest } from '../support/drivers.js';

interface Case {
  readonly mode: string;
  readonly sentence: string;
  readonly status?: number;
  readonly says?: RegExp;
}

const CASES: readonly Case[] = [
  { mode: 'exit', sentence: 'process.exit() with operations that were started in the same callback' },
  { mode: 'exit-later', sentence: 'process.exit() with operations pending in the kernel' },
  { mode: 'exit-in-completion', sentence: 'process.exit() in the continuation of a recv()' },
  { mode: 'unref', sentence: 'unref() before the operations: nothing keeps the process' },
  { mode: 'unref-after', sentence: 'unref() after the operations: nothing keeps the process any longer' },
  { mode: 'nothing-pending', sentence: 'sockets that are open, with nothing pending, do not keep the process' },
  { mode: 'closed', sentence: 'a process ends by itself once its sockets are closed' },
  { mode: 'timed-out', sentence: 'a pending recv() keeps the process until it times out', says: /failed ETIMEDOUT/ },
  { mode: 'ref-again', sentence: 'ref() after unref() keeps the process', says: /failed ETIMEDOUT/ },
  { mode: 'throw', sentence: 'an exception in a continuation ends the process as any other does', status: 1 },
  { mode: 'destroy', sentence: 'an uncaughtException handler that exits, with operations pending' },
];

// The peer is in the same process: it is unref'ed, so that only the library could keep the process alive.
for (const { name } of driversUnderTest()) {
  describe(`${name}: the end of a process`, { timeout: 120_000 }, () => {
    for (const { mode, sentence, status, says } of CASES) {
      test(sentence, async () => {
        const exit = await runChild(import.meta.url, 'programs/exit-with-operations.js', [mode], {
          env: { OVERLAPPED_DRIVER: name },
        });
        const all = `${exit.output}${exit.errors}`;
        assert.equal(exit.signal, null, all);
        assert.equal(exit.status, status ?? 0, all);
        assert.match(exit.output, says ?? /started/);
      });
    }
  });
}
