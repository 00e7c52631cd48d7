import type { Operation } from './operation.js';

// Below this a byte loop beats TypedArray.set, whose call costs more than the bytes.
const SHORT_COPY_BYTES = 96;

/** Bytes of a send: of its one buffer, of all it gathers, or of the lent one. */
export function sendLength(operation: Operation): number {
  if (operation.buffer !== null) return operation.buffer.length;
  if (operation.buffers === null) return operation.lentLength;
  let total = 0;
  for (const buffer of operation.buffers) total += buffer.length;
  return total;
}

/** Copies a send's bytes from `from` on, as many as fit in `length`; gives how many it copied. */
export function gather(operation: Operation, from: number, target: Uint8Array, at: number, length: number): number {
  if (operation.buffer !== null) return copyBytes(operation.buffer, from, target, at, length);
  let skipped = 0;
  let copied = 0;
  for (const buffer of operation.buffers ?? []) {
    const start = from + copied - skipped;
    if (start < buffer.length) copied += copyBytes(buffer, start, target, at + copied, length - copied);
    skipped += buffer.length;
    if (copied === length) break;
  }
  return copied;
}

/** Copies up to `length` bytes, as many as `source` has from `from` on. */
export function copyBytes(source: Uint8Array, from: number, target: Uint8Array, at: number, length: number): number {
  const count = Math.min(length, source.length - from);
  if (count > SHORT_COPY_BYTES) {
    target.set(source.subarray(from, from + count), at);
    return count;
  }
  for (let i = 0; i < count; i++) target[at + i] = source[from + i] as number;
  return Math.max(count, 0);
}
