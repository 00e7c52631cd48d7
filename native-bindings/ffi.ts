import koffi from 'koffi';

/**
 * The one door to koffi. Everything native is declared through here, so that koffi's `any` ends on the line that
 * names the C prototype and its exact TypeScript type.
 */

// A constraint that every function type satisfies; `never[]` keeps callers from ever calling through it.
type NativeFunction = (...args: never[]) => unknown;

export interface NativeLibrary {
  /** Binds one function. The prototype is C; `F` is what TypeScript callers see. */
  func<F extends NativeFunction>(prototype: string): F;
  /** The address of a symbol, to be handed to native code. */
  address(symbol: string): number;
}

/**
 * Declares the functions of a library without loading it: importing a Windows file on Linux must not throw, so the
 * library is opened at the first call of the returned getter. `null` is the running program itself, whose symbols
 * include the C library on every Unix.
 */
export function lazyLibrary<T>(path: string | null, declare: (library: NativeLibrary) => T): () => T {
  let declared: T | undefined;
  return () => {
    declared ??= declare(openLibrary(path));
    return declared;
  };
}

export function openLibrary(path: string | null): NativeLibrary {
  const handle = koffi.load(path);
  return {
    func: <F extends NativeFunction>(prototype: string) => handle.func(prototype) as unknown as F,
    address: (symbol) => Number(koffi.address(handle.symbol(symbol, 'int'))),
  };
}

/** The address of a function in JavaScript, for native code to call; for as long as `withCallback` lasts. */
export type CallbackAddress = number;

/** Lets native code call `callback` while `use` runs, on this thread and never afterwards. */
export function withCallback<R>(
  prototype: string,
  callback: (...values: number[]) => number,
  use: (address: CallbackAddress) => R,
): R {
  const registered = koffi.register(callback, koffi.pointer(koffi.proto(prototype)));
  try {
    return use(Number(koffi.address(registered)));
  } finally {
    koffi.unregister(registered);
  }
}

/** A library whose functions are found by names that are known only at run time. */
export interface DynamicLibrary {
  /** Binds a function by its C types; undefined where the library has no such symbol. */
  find(symbol: string, result: string, parameters: readonly string[]): ((...values: never[]) => unknown) | undefined;
}

/** Opens a library at once; throws where it cannot be loaded. `null` is the running program. */
export function openDynamicLibrary(path: string | null): DynamicLibrary {
  const handle = koffi.load(path);
  return {
    find: (symbol, result, parameters) => {
      // Binding is what fails for a symbol that is missing; a type that koffi does not know is a bug of ours.
      const types = parameters.map((type) => koffi.type(type));
      const resultType = koffi.type(result);
      try {
        return handle.func(symbol, resultType, types) as (...values: never[]) => unknown;
      } catch {
        return undefined;
      }
    },
  };
}

/** The function at an address that the system gave (an extension function of Winsock's). */
export function functionAt<F extends NativeFunction>(address: bigint, prototype: string): F {
  return koffi.decode(address, koffi.proto(prototype)) as F;
}

/** The calling thread's `errno`. Only meaningful in the very next native call after the one that failed. */
export function lastErrno(): number {
  return koffi.errno();
}

/** The address of memory that JavaScript holds. Valid only while the caller keeps the object alive and unmoved. */
export function addressOf(memory: ArrayBufferView): number {
  return Number(koffi.address(memory));
}

/** A live view on native memory; the ArrayBuffer owns nothing, and freeing the memory under it is a crash. */
export function viewOf(address: number, byteLength: number): ArrayBuffer {
  return koffi.view(BigInt(address), byteLength);
}

/** A watch on a descriptor in the host's own event loop. */
export interface DescriptorWatch {
  ref(): void;
  unref(): void;
  close(): void;
}

// A watch that is garbage collected stops watching, and the process may then simply exit: they are held here.
const openWatches = new Set<DescriptorWatch>();
let closesAtExit = false;

// Node turns its loop once more while it tears the environment down; a watch that reports then would call into
// JavaScript that may not run any more, and koffi ends the process with a fatal error.
function closeAtExit(): void {
  if (closesAtExit) return;
  closesAtExit = true;
  process.on('exit', () => {
    for (const watch of openWatches) watch.close();
  });
}

/** Calls `onReadable` (level-triggered) from the host's event loop whenever the descriptor is readable. */
export function watchReadable(descriptor: number, onReadable: () => void): DescriptorWatch {
  // An exception that leaves the callback would be swallowed, and the watch be dead from then on.
  const guarded = () => {
    try {
      onReadable();
    } catch (error) {
      setImmediate(() => {
        throw error;
      });
    }
  };
  const handle = koffi.node.poll(descriptor, { readable: true }, guarded);
  const watch: DescriptorWatch = {
    ref: () => {
      handle.ref();
    },
    unref: () => {
      handle.unref();
    },
    close: () => {
      openWatches.delete(watch);
      handle.close();
    },
  };
  openWatches.add(watch);
  closeAtExit();
  return watch;
}
