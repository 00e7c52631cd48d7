/** `[offset, size]` of a field, in bytes, as the C compiler lays it out. */
export type FieldLayout = readonly [offset: number, size: number];

/** The layout of a C struct as data, checked against the real headers by `scripts/check-headers.mjs`. */
export interface StructLayout<Field extends string = string> {
  readonly kind: 'struct';
  /** The C tag or typedef, verbatim. */
  readonly name: string;
  /** How C spells the type: `struct io_uring_sqe`, `OVERLAPPED`. */
  readonly ctype: string;
  readonly size: number;
  readonly offset: Readonly<Record<Field, number>>;
  readonly fields: Readonly<Record<Field, FieldLayout>>;
}

/** Describes a struct; `ctype` is `struct NAME` unless the header has a typedef of another spelling. */
export function defineStruct<Field extends string>(
  name: string,
  size: number,
  fields: Readonly<Record<Field, FieldLayout>>,
  ctype = `struct ${name}`,
): StructLayout<Field> {
  const offset = {} as Record<Field, number>;
  for (const field of Object.keys(fields) as Field[]) {
    const [at, width] = fields[field];
    if (at < 0 || width <= 0 || at + width > size) throw new RangeError(`${name}.${field} lies outside ${name}`);
    offset[field] = at;
  }
  return { kind: 'struct', name, ctype, size, offset, fields };
}
