/** The arguments of a native function, if it is one. */
type Arguments<F> = F extends (...args: infer A) => unknown ? A : never;

/**
 * Puts a function in the place of a native one, made of it, so that a test can play a system that answers otherwise.
 * Gives what puts the native one back.
 */
export function replaceCall<L extends object, K extends keyof L>(
  library: L,
  name: K,
  make: (real: L[K]) => L[K],
): () => void {
  const real = library[name];
  library[name] = make(real);
  return () => {
    library[name] = real;
  };
}

/** Puts a function that sees the arguments before each call of a native one; gives what takes it away again. */
export function watchCalls<L extends object, K extends keyof L>(
  library: L,
  name: K,
  seen: (...args: Arguments<L[K]>) => void,
): () => void {
  return replaceCall(library, name, (real) => {
    const call = real as (...args: unknown[]) => unknown;
    const look = seen as (...args: unknown[]) => void;
    return ((...args: unknown[]) => {
      look(...args);
      return call(...args);
    }) as L[K];
  });
}
