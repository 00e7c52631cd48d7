export { Random } from '../../src/port/random.js';

/** A seed for a new run, unless OVERLAPPED_SEED names one to repeat. */
export function newSeed(): number {
  const named = process.env['OVERLAPPED_SEED'];
  return named === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(named);
}

/** The byte that stands at `position` of the stream named `stream`: what both ends agree on beforehand. */
export function streamByte(stream: number, position: number): number {
  let x = (Math.imul(stream + 1, 0x9e3779b1) + Math.imul(position, 0x85ebca77)) | 0;
  x ^= x >>> 15;
  x = Math.imul(x, 0x2c1b3c6d);
  return (x >>> 12) & 0xff;
}

/** `length` bytes of the stream from `position` on. */
export function streamBytes(stream: number, position: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let i = 0; i < length; i++) bytes[i] = streamByte(stream, position + i);
  return bytes;
}

/** The index of the first byte that is not the stream's, or -1. */
export function firstDifference(stream: number, position: number, bytes: Uint8Array, length = bytes.length): number {
  for (let i = 0; i < length; i++) if (bytes[i] !== streamByte(stream, position + i)) return i;
  return -1;
}
