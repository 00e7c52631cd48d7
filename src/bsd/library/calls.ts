import { NotImplementedError } from '../../port/errors.js';
import { CALL_TYPES, type CallName } from '../profile/calls.js';
import type { ErrorReport, StackProfile } from '../profile/profile.js';
import { StackErrors } from './errors.js';
import type { FunctionType, NativeCall, StackLibrary } from './library.js';

/**
 * A stack's functions by their POSIX names, bound as its profile says, and what a failed one reports. Functions are
 * bound when they are first asked for.
 */
export class StackCalls {
  readonly profile: StackProfile;
  readonly library: StackLibrary;
  readonly errors: StackErrors;
  /** The negated native error of a call that has just returned this negative result. Nothing may come in between. */
  readonly failure: (returned: number) => number;
  readonly #bound = new Map<string, NativeCall | null>();

  constructor(profile: StackProfile, library: StackLibrary) {
    this.profile = profile;
    this.library = library;
    this.errors = new StackErrors(profile);
    this.failure = failureReader(profile.errorReport, this, this.errors);
  }

  /** The stack's function; null where it has none. */
  find(name: CallName): NativeCall | null {
    return this.#bind(name, name, (type) => type);
  }

  /** The same with addresses in place of memory. */
  findAt(name: CallName): NativeCall | null {
    return this.#bind(name, `${name}At`, withAddresses);
  }

  has(name: CallName): boolean {
    return this.profile.symbols[name] !== undefined && this.find(name) !== null;
  }

  /** The stack's function, or one that throws NotImplementedError where it has none. */
  get(name: CallName): NativeCall {
    return this.find(name) ?? (() => this.#refuse(name));
  }

  getAt(name: CallName): NativeCall {
    return this.findAt(name) ?? (() => this.#refuse(name));
  }

  /** Throws NotImplementedError where the stack lacks the function. */
  need(name: CallName): void {
    if (!this.has(name)) this.#refuse(name);
  }

  /** A function that is no socket call. */
  symbol(symbol: string, type: FunctionType): NativeCall | null {
    return this.library.find(symbol, type);
  }

  #refuse(name: CallName): never {
    const message = `The stack ${this.profile.name} has no ${name}: function not implemented`;
    throw new NotImplementedError(message, name, this.errors.number('ENOSYS'));
  }

  #bind(name: CallName, key: string, adapt: (type: FunctionType) => FunctionType): NativeCall | null {
    const bound = this.#bound.get(key);
    if (bound !== undefined) return bound;
    const symbol = this.profile.symbols[name];
    const type = this.profile.types?.[name] ?? CALL_TYPES[name];
    const found = symbol === undefined ? null : this.library.find(symbol, adapt(type));
    this.#bound.set(key, found);
    return found;
  }
}

function withAddresses(type: FunctionType): FunctionType {
  return { ...type, parameters: type.parameters.map((parameter) => (parameter === 'memory' ? 'address' : parameter)) };
}

const NO_PARAMETERS = [] as const;

function failureReader(report: ErrorReport, calls: StackCalls, errors: StackErrors): (returned: number) => number {
  const { library } = calls;
  switch (report.by) {
    case 'errno':
      return () => errors.failure(library.lastErrno());
    case 'call': {
      const lastError = calls.symbol(report.symbol, { result: 'int32', parameters: NO_PARAMETERS });
      return () => errors.failure(lastError === null ? 0 : lastError());
    }
    case 'location': {
      const location = calls.symbol(report.symbol, { result: 'address', parameters: NO_PARAMETERS });
      return () => errors.failure(location === null ? 0 : library.readInt32(location()));
    }
    case 'negatedResult':
      return (returned) => errors.failure(-returned);
    case 'taggedResult': {
      const { tag, mask } = report;
      // A code without the tag is none of the socket calls': it keeps all its bits, and is known as no error of theirs.
      return (returned) => errors.failure((returned & ~mask) >>> 0 === tag >>> 0 ? returned & mask : returned >>> 0);
    }
  }
}
