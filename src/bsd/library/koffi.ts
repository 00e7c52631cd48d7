import { lastErrno, openDynamicLibrary, viewOf } from '../../../native-bindings/ffi.js';
import { InvalidArgumentError, SystemError } from '../../port/errors.js';
import type { FunctionType, NativeCall, NativeType, StackLibrary } from './library.js';

const TYPES: Readonly<Record<NativeType, string>> = {
  void: 'void',
  int32: 'int32_t',
  uint32: 'uint32_t',
  int64: 'int64_t',
  uint64: 'uint64_t',
  size: 'size_t',
  memory: 'void *',
  address: 'uintptr_t',
};

/**
 * The functions of a shared library, bound by koffi: what the library itself is built on, and the fast way.
 *
 * Loads `path`, a path or soname; null is the running program, with the C library in it. Throws SystemError with the
 * code ERR_DLOPEN_FAILED where it cannot be loaded.
 */
export function openKoffiLibrary(path: string | null): StackLibrary {
  if (path !== null && typeof path !== 'string') throw new InvalidArgumentError('path must be a string or null');
  const name = path ?? 'the running program';
  const library = load(path, name);
  // The library's errno lies where it lay the last time: a view is made once for each address.
  const views = new Map<number, Int32Array>();
  return {
    name,
    find(symbol: string, type: FunctionType): NativeCall | null {
      const parameters = type.parameters.map((parameter) => TYPES[parameter]);
      return (library.find(symbol, TYPES[type.result], parameters) as NativeCall | undefined) ?? null;
    },
    lastErrno,
    readInt32(address: number): number {
      let view = views.get(address);
      if (view === undefined) {
        view = new Int32Array(viewOf(address, Int32Array.BYTES_PER_ELEMENT));
        views.set(address, view);
      }
      return view[0] as number;
    },
  };
}

function load(path: string | null, name: string) {
  try {
    return openDynamicLibrary(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const details = { code: 'ERR_DLOPEN_FAILED', syscall: 'dlopen', cause: error };
    throw new SystemError(`Cannot load the socket stack ${name}: ${reason}`, details);
  }
}
