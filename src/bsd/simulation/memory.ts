import { viewOf } from '../../../native-bindings/ffi.js';
import type { NativeValue } from '../library/library.js';
import type { Field } from '../profile/profile.js';

/** `length` bytes at a pointer that a call was given; null where there are none: NULL, or memory that is too short. */
export function bytesAt(pointer: NativeValue, length: number): Uint8Array | null {
  if (pointer === null || pointer === 0 || length < 0) return null;
  if (typeof pointer === 'number') return new Uint8Array(viewOf(pointer, length));
  return pointer.byteLength < length ? null : pointer.subarray(0, length);
}

/** Reads and writes the integers of a stack's structures. */
export class Integers {
  readonly littleEndian: boolean;

  constructor(byteOrder: 'little' | 'big') {
    this.littleEndian = byteOrder === 'little';
  }

  /** A signed integer; one of 8 bytes is rounded beyond 2^53. */
  read(bytes: Uint8Array, at: number, [offset, width]: Field): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    switch (width) {
      case 1:
        return view.getInt8(at + offset);
      case 2:
        return view.getInt16(at + offset, this.littleEndian);
      case 4:
        return view.getInt32(at + offset, this.littleEndian);
      case 8:
        return Number(view.getBigInt64(at + offset, this.littleEndian));
    }
  }

  /** Writes the low bits of an integer. */
  write(bytes: Uint8Array, at: number, [offset, width]: Field, value: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    switch (width) {
      case 1:
        return view.setInt8(at + offset, value);
      case 2:
        return view.setInt16(at + offset, value, this.littleEndian);
      case 4:
        return view.setInt32(at + offset, value, this.littleEndian);
      case 8:
        return view.setBigInt64(at + offset, BigInt(value), this.littleEndian);
    }
  }

  readInt32(bytes: Uint8Array, at = 0): number {
    return this.read(bytes, at, [0, 4]);
  }

  writeInt32(bytes: Uint8Array, value: number, at = 0): void {
    this.write(bytes, at, [0, 4], value);
  }
}
