import type { Field } from '../profile/profile.js';

/** Writes an integer field of a structure at `base`. Wider fields are sign-extended. */
export function writeField(view: DataView, base: number, field: Field, value: number, littleEndian: boolean): void {
  const at = base + field[0];
  switch (field[1]) {
    case 1:
      return view.setInt8(at, value);
    case 2:
      return view.setInt16(at, value, littleEndian);
    case 4:
      return view.setInt32(at, value, littleEndian);
    case 8:
      view.setInt32(at + (littleEndian ? 0 : 4), value, littleEndian);
      return view.setInt32(at + (littleEndian ? 4 : 0), Math.floor(value / 2 ** 32), littleEndian);
  }
}

/** Reads an unsigned integer field; of 8 bytes, what a double holds exactly. */
export function readField(view: DataView, base: number, field: Field, littleEndian: boolean): number {
  const at = base + field[0];
  switch (field[1]) {
    case 1:
      return view.getUint8(at);
    case 2:
      return view.getUint16(at, littleEndian);
    case 4:
      return view.getUint32(at, littleEndian);
    case 8: {
      const low = view.getUint32(at + (littleEndian ? 0 : 4), littleEndian);
      return low + view.getUint32(at + (littleEndian ? 4 : 0), littleEndian) * 2 ** 32;
    }
  }
}
