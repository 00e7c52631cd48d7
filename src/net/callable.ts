type Constructor = new (...args: never[]) => object;
type Callable<C extends Constructor> = C & ((...args: ConstructorParameters<C>) => InstanceType<C>);
type Initialiser = (this: object, ...args: never[]) => unknown;

/**
 * A class that may be called without `new`, as Node's may: alone it makes an instance; with `this` (the way of
 * `util.inherits`) it initialises that object by `base`, the function of Node's that the class extends.
 */
export function callable<C extends Constructor>(name: string, Class: C, base: Initialiser): Callable<C> {
  // As Node's class is called: `constructor.name` and util.inspect show it.
  Object.defineProperty(Class, 'name', { value: name });
  const proxy = new Proxy(Class, {
    apply(target, self: unknown, args: ConstructorParameters<C>): unknown {
      if (!(self instanceof target)) return new target(...args);
      base.apply(self, args);
      return undefined;
    },
  }) as Callable<C>;
  Object.defineProperty(Class.prototype, 'constructor', { value: proxy, writable: true, configurable: true });
  return proxy;
}
