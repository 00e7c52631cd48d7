import { copyBytes } from '../port/gather.js';

/** What libuv reads at a time. */
export const LARGE_READ_BYTES = 65536;

/** One that was filled less than half, and was copied from. */
let spare: Buffer | null = null;

/**
 * A buffer to read a stream in full flow into. They are all of one size: the allocator then finds again what was freed,
 * while buffers of any size cost thousands of page faults a second.
 */
export function takeLargeBuffer(): Buffer {
  const buffer = spare ?? Buffer.allocUnsafeSlow(LARGE_READ_BYTES);
  spare = null;
  return buffer;
}

/** What was read, to be given away. A buffer that holds little is copied from and kept for the next read. */
export function chunkOf(buffer: Buffer, length: number): Buffer {
  if (length === buffer.length) return buffer;
  if (length * 2 >= LARGE_READ_BYTES) return buffer.subarray(0, length);
  const chunk = Buffer.allocUnsafe(length);
  copyBytes(buffer, 0, chunk, 0, length);
  keepLargeBuffer(buffer);
  return chunk;
}

/** Takes back a buffer that nothing was read into. */
export function keepLargeBuffer(buffer: Buffer): void {
  spare = buffer;
}
