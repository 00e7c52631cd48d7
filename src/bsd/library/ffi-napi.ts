import { InvalidArgumentError, SystemError } from '../../port/errors.js';
import type { FunctionType, NativeCall, NativeType, NativeValue, StackLibrary } from './library.js';

/** The parts of `@2060.io/ffi-napi` that are used here. A pointer is a Buffer to it. */
export interface FfiNapi {
  /** Opens a library; null is the running program. */
  DynamicLibrary(path: string | null): { get(symbol: string): unknown };
  ForeignFunction(pointer: unknown, result: string, parameters: readonly string[]): (...values: unknown[]) => unknown;
  errno(): number;
}

const TYPES: Readonly<Record<NativeType, string>> = {
  void: 'void',
  int32: 'int32',
  uint32: 'uint32',
  int64: 'int64',
  uint64: 'uint64',
  size: 'size_t',
  memory: 'pointer',
  address: 'size_t',
};

/**
 * The functions of a shared library, bound by ffi-napi: for a process that has it anyway, or a stack that is only
 * reached through it. `ffi` is the caller's import of `@2060.io/ffi-napi`, which this package does not depend on.
 *
 * A call costs about 25 times what it costs through koffi: a receive that finds nothing took 43 µs against 1.7 µs, on a
 * machine that had other work at the time. It allocates, too. So this is for
 * paths that are slow anyway. Throws SystemError ERR_DLOPEN_FAILED where the library cannot be loaded.
 */
export function openFfiNapiLibrary(ffi: FfiNapi, path: string | null): StackLibrary {
  if (typeof ffi?.ForeignFunction !== 'function' || typeof ffi.DynamicLibrary !== 'function') {
    throw new InvalidArgumentError('ffi must be the module @2060.io/ffi-napi');
  }
  if (path !== null && typeof path !== 'string') throw new InvalidArgumentError('path must be a string or null');
  const name = path ?? 'the running program';
  const library = load(ffi, path, name);
  let memcpy: NativeCall | null = null;
  const bind = (symbol: string, type: FunctionType): NativeCall | null => {
    const pointer = find(library, symbol);
    if (pointer === null) return null;
    const parameters = type.parameters.map((parameter) => TYPES[parameter]);
    return adapted(ffi.ForeignFunction(pointer, TYPES[type.result], parameters));
  };
  const word = new Int32Array(1);
  const wordBytes = new Uint8Array(word.buffer);
  return {
    name,
    find: bind,
    lastErrno: () => ffi.errno(),
    readInt32(address: number): number {
      // ffi-napi reads no memory by its address: the C library copies it, which every process has.
      memcpy ??= bindMemcpy(ffi);
      memcpy(wordBytes, address, Int32Array.BYTES_PER_ELEMENT);
      return word[0] as number;
    },
  };
}

function load(ffi: FfiNapi, path: string | null, name: string) {
  try {
    return ffi.DynamicLibrary(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const details = { code: 'ERR_DLOPEN_FAILED', syscall: 'dlopen', cause: error };
    throw new SystemError(`Cannot load the socket stack ${name}: ${reason}`, details);
  }
}

function find(library: { get(symbol: string): unknown }, symbol: string): unknown {
  try {
    return library.get(symbol);
  } catch {
    return null;
  }
}

function bindMemcpy(ffi: FfiNapi): NativeCall {
  const pointer = ffi.DynamicLibrary(null).get('memcpy');
  return ffi.ForeignFunction(pointer, 'size_t', ['pointer', 'size_t', 'size_t']) as NativeCall;
}

/** ffi-napi takes Buffers for memory, and gives 64-bit results that are no exact numbers as text, and void as null. */
function adapted(call: (...values: unknown[]) => unknown): NativeCall {
  return (...values) => Number(call(...values.map(forFfi)));
}

function forFfi(value: NativeValue): unknown {
  if (!(value instanceof Uint8Array) || Buffer.isBuffer(value)) return value;
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
