import { chooseDriver, type DriverChoice } from '../drivers/choose.js';
import { InvalidArgumentError } from '../port/errors.js';
import { Proactor } from '../port/proactor.js';

/** Which proactor carries a socket. */
export interface ProactorOptions {
  /** A proactor of the caller's, from `openProactor`. */
  readonly proactor?: Proactor | undefined;
  /** The shared proactor of this driver. Absent: OVERLAPPED_DRIVER, or the best one the platform lets us have. */
  readonly driver?: DriverChoice | undefined;
}

const shared = new Map<DriverChoice, Proactor>();

/** A new proactor with a driver of its own. Whoever opens it destroys it. */
export function openProactor(options: { readonly driver?: DriverChoice | undefined } = {}): Proactor {
  return new Proactor(chooseDriver(options.driver ?? 'auto'));
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
