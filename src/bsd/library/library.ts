/**
 * How a value crosses into a stack's function. `memory` is a Uint8Array that the call has finished with when it
 * returns, or null for NULL; `address` is a native address as a number, 0 for NULL. `size` is as wide as a pointer.
 */
export type NativeType = 'void' | 'int32' | 'uint32' | 'int64' | 'uint64' | 'size' | 'memory' | 'address';

/** A C prototype as data, so that any FFI can bind it. */
export interface FunctionType {
  readonly result: NativeType;
  readonly parameters: readonly NativeType[];
}

export type NativeValue = number | Uint8Array | null;

/** A bound function. Results are numbers; `void` gives undefined, which nobody looks at. */
export type NativeCall = (...values: NativeValue[]) => number;

/**
 * The functions of a socket stack, however they are bound: through koffi, through another FFI, or as plain JavaScript.
 * Whoever calls them cannot tell which.
 */
export interface StackLibrary {
  /** For messages: a path, or what the library calls itself. */
  readonly name: string;
  /** Binds the function of this name; null where the library has none. */
  find(symbol: string, type: FunctionType): NativeCall | null;
  /** The calling thread's `errno`, which means something only in the call right after the one that failed. */
  lastErrno(): number;
  /** The int at an address that the library gave, as for a pointer to an errno of its own. */
  readInt32(address: number): number;
}
