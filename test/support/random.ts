/** A seeded generator of 32-bit numbers (Marsaglia's xorshift128), so that a failing run can be repeated. */
export class Random {
  readonly seed: number;
  #x: number;
  #y = 362436069;
  #z = 521288629;
  #w = 88675123;

  constructor(seed: number) {
    this.seed = seed;
    // Neighbouring seeds must not give similar streams.
    this.#x = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) | 1;
    for (let i = 0; i < 16; i++) this.uint32();
  }

  uint32(): number {
    const t = this.#x ^ (this.#x << 11);
    this.#x = this.#y;
    this.#y = this.#z;
    this.#z = this.#w;
    this.#w = this.#w ^ (this.#w >>> 19) ^ t ^ (t >>> 8);
    return this.#w >>> 0;
  }

  /** From 0 up to, not including, `limit`. */
  below(limit: number): number {
    return Math.floor((this.uint32() / 0x1_0000_0000) * limit);
  }

  /** From 0 up to 1. */
  fraction(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }
}

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
