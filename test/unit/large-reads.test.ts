import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chunkOf, keepLargeBuffer, LARGE_READ_BYTES, takeLargeBuffer } from '../../src/net/large-reads.js';

describe('the memory of large reads', () => {
  test('what was given away shares nothing with what is read next', () => {
    for (const length of [1, 4000, LARGE_READ_BYTES / 2 - 1, LARGE_READ_BYTES / 2, LARGE_READ_BYTES]) {
      const chunk = chunkOf(takeLargeBuffer().fill(1), length);
      takeLargeBuffer().fill(2);
      assert.deepEqual([chunk.length, chunk.every((byte) => byte === 1)], [length, true]);
    }
  });

  test('a read that brought little holds little', () => {
    const chunk = chunkOf(takeLargeBuffer(), LARGE_READ_BYTES / 4);
    assert.ok(chunk.buffer.byteLength < LARGE_READ_BYTES);
  });

  test('a buffer that nothing was read into is taken again', () => {
    const buffer = takeLargeBuffer();
    keepLargeBuffer(buffer);
    assert.equal(takeLargeBuffer(), buffer);
    assert.notEqual(takeLargeBuffer(), buffer);
  });
});
