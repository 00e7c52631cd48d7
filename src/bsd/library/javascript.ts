import type { FunctionType, NativeCall, StackLibrary } from './library.js';

/** A stack's functions by symbol, as plain JavaScript. */
export type JavaScriptFunctions = Readonly<Record<string, NativeCall>>;

/** What a stack of JavaScript functions has besides them. */
export interface JavaScriptStackState {
  /** The `errno` of the call before; absent where the stack reports errors in another way. */
  lastErrno?(): number;
  /** The int at an address that one of the functions gave; absent where none gives any. */
  readInt32?(address: number): number;
}

/**
 * A stack of plain JavaScript functions: a simulation, a test's double, or calls bound by an FFI of the caller's. Each
 * takes and gives what its C namesake would: numbers, Uint8Arrays for memory that it may use until it returns, null for
 * NULL. A function that throws ends the operation with its exception.
 */
export function javascriptLibrary(
  name: string,
  functions: JavaScriptFunctions,
  state: JavaScriptStackState = {},
): StackLibrary {
  return {
    name,
    find(symbol: string, _type: FunctionType): NativeCall | null {
      return Object.hasOwn(functions, symbol) ? (functions[symbol] ?? null) : null;
    },
    lastErrno: () => state.lastErrno?.() ?? 0,
    readInt32: (address) => state.readInt32?.(address) ?? 0,
  };
}
