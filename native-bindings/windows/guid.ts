import { GUID } from './structs.js';

/** A GUID of a header's, by its name: the check against the headers reads it. */
export interface HeaderGuid {
  readonly kind: 'guid';
  readonly name: string;
  /** Data1, Data2, Data3 and the eight bytes of Data4 in hexadecimal digits, with hyphens between. */
  readonly text: string;
}

/** Declares a GUID that a header defines as an initialiser, `{0xb5367df1, 0xcbac, 0x11cf, {0x95, …}}`. */
export function defineGuid(name: string, text: string): HeaderGuid {
  return { kind: 'guid', name, text };
}

/** The GUID as it stands in memory. */
export function guidBytes({ text }: HeaderGuid): Uint8Array {
  const [data1 = '', data2 = '', data3 = '', data4 = ''] = text.split('-');
  const bytes = new Uint8Array(GUID.size);
  const view = new DataView(bytes.buffer);
  view.setUint32(GUID.offset.Data1, Number.parseInt(data1, 16), true);
  view.setUint16(GUID.offset.Data2, Number.parseInt(data2, 16), true);
  view.setUint16(GUID.offset.Data3, Number.parseInt(data3, 16), true);
  bytes.set(Buffer.from(data4, 'hex'), GUID.offset.Data4);
  return bytes;
}
