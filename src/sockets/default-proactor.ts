import type { OpenStack } from '../bsd/open-stack.js';
import { chooseDriver, type DriverChoice, driverOnStack } from '../drivers/choose.js';
import { InvalidArgumentError } from '../port/errors.js';
import { Proactor } from '../port/proactor.js';

/** Which proactor carries a socket. */
export interface ProactorOptions {
  /** A proactor of the caller's, from `openProactor`. */
  readonly proactor?: Proactor | undefined;
  /** The shared proactor of this driver. Absent: OVERLAPPED_DRIVER, or the best one the platform lets us have. */
  readonly driver?: DriverChoice | undefined;
}

const stacks = new WeakMap<Proactor, OpenStack>();
const shared = new Map<DriverChoice, Proactor>();

/** What a new proactor is made on. */
export interface OpenProactorOptions {
  /** Absent: OVERLAPPED_DRIVER, or the best one the platform lets us have. */
  readonly driver?: DriverChoice | undefined;
  /** A socket stack from `openStack()` of `overlapped/stack`, which the readiness driver then runs on. */
  readonly stack?: OpenStack | undefined;
}

/**
 * A new proactor with a driver of its own. Whoever opens it destroys it; a `stack` stays open, and must be closed after
 * its proactors. Throws TypeError where both a stack and a driver other than `readiness` are named.
 */
export function openProactor(options: OpenProactorOptions = {}): Proactor {
  const { driver, stack } = options;
  if (stack === undefined) return new Proactor(chooseDriver(driver ?? 'auto'));
  if (driver !== undefined && driver !== 'readiness') {
    throw new InvalidArgumentError(`A stack is driven by readiness, not by ${driver}`, 'ERR_INVALID_ARG_VALUE');
  }
  if (typeof stack?.makeNotifier !== 'function') throw new InvalidArgumentError('stack must come from openStack()');
  const proactor = new Proactor(driverOnStack(stack));
  stacks.set(proactor, stack);
  return proactor;
}

/** The stack that the proactor was opened on; undefined where it is the platform's own. */
export function stackOf(proactor: Proactor): OpenStack | undefined {
  return stacks.get(proactor);
}

/** The proactor that the options name; the shared ones are made at their first use, one a thread. */
export function proactorFor(options: ProactorOptions): Proactor {
  const { proactor } = options;
  if (proactor !== undefined) {
    if (!(proactor instanceof Proactor)) throw new InvalidArgumentError('proactor must come from openProactor()');
    return proactor;
  }
  const choice = options.driver ?? 'auto';
  let found = shared.get(choice);
  if (found === undefined || found.closed) {
    found = openProactor({ driver: choice });
    shared.set(choice, found);
  }
  return found;
}
