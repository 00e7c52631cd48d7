import type { Field, StackProfile } from '../profile/profile.js';

/** Writes integers in a stack's byte order into memory that a call is given. */
export class Words {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #little: boolean;

  constructor(byteLength: number, byteOrder: StackProfile['byteOrder']) {
    this.bytes = new Uint8Array(byteLength);
    this.#view = new DataView(this.bytes.buffer);
    this.#little = byteOrder === 'little';
  }

  getInt32(at: number): number {
    return this.#view.getInt32(at, this.#little);
  }

  setInt32(at: number, value: number): void {
    this.#view.setInt32(at, value, this.#little);
  }

  setField([offset, bytes]: Field, value: number): void {
    switch (bytes) {
      case 1:
        return this.#view.setInt8(offset, value);
      case 2:
        return this.#view.setInt16(offset, value, this.#little);
      case 4:
        return this.#view.setInt32(offset, value, this.#little);
      case 8:
        return this.#view.setBigInt64(offset, BigInt(value), this.#little);
    }
  }
}
