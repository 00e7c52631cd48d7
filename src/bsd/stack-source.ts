import { existsSync } from 'node:fs';
import { InvalidArgumentError } from '../port/errors.js';
import type { StackLibrary } from './library/library.js';
import { abortLwip } from './lwip/abort.js';
import { startLwip } from './lwip/start.js';
import { openStack } from './normalised/open.js';
import type { OpenStack } from './open-stack.js';
import { loadProfile } from './profile/load.js';
import type { StackProfile } from './profile/profile.js';
import { PROFILES } from './profiles/index.js';
import { simulatePs3 } from './simulation/ps3.js';
import { SimulatedStack } from './simulation/simulated-stack.js';
import { winsockLibrary } from './winsock/open.js';

/** A stack that somebody has named, and where its functions come from. */
export interface StackSource {
  readonly profile: StackProfile;
  /** `ps3 on a simulation of ps3`: for people. */
  readonly title: string;
  /** The functions; undefined where openStack() loads them from the profile's own library. A new one each time. */
  makeLibrary(): StackLibrary | undefined;
  open(): OpenStack;
  /**
   * Ends a connection with a RST, from outside of the socket calls; null where only those can. The descriptor is to be
   * closed afterwards. For peers in tests: what is tried makes do with the calls.
   */
  readonly abort: ((descriptor: number) => void) | null;
}

/**
 * A stack by the name of an included profile, or by a profile's file. With `simulation`, a name or a file as well, its
 * functions are those of a simulation of that stack on the host's own sockets (Linux only); without, those of the
 * profile's library.
 *
 * Throws what loadProfile() throws, and TypeError ERR_INVALID_ARG_VALUE for a name that is neither.
 */
export function findStack(nameOrFile: string, simulation?: string): StackSource {
  const profile = findProfile(nameOrFile);
  const simulated = simulation === undefined ? null : findProfile(simulation);
  const makeLibrary = simulated === null ? () => ownLibrary(profile) : () => simulate(simulated);
  const title = simulated === null ? profile.name : `${profile.name} on a simulation of ${simulated.name}`;
  const abort = simulated === null && isOf(profile, 'lwip') ? abortLwip : null;
  return { profile, title, makeLibrary, open: () => openStack(profile, makeLibrary()), abort };
}

function findProfile(nameOrFile: string): StackProfile {
  const included = Object.hasOwn(PROFILES, nameOrFile) ? PROFILES[nameOrFile] : undefined;
  if (included !== undefined) return included;
  if (existsSync(nameOrFile)) return loadProfile(nameOrFile);
  const names = Object.keys(PROFILES).join(', ');
  const message = `There is no stack '${nameOrFile}': it is no file, and none of ${names}`;
  throw new InvalidArgumentError(message, 'ERR_INVALID_ARG_VALUE');
}

function simulate(profile: StackProfile): StackLibrary {
  return profile === PROFILES['ps3'] ? simulatePs3() : new SimulatedStack(profile);
}

/** Two of the stacks need more than their library to be loaded. */
function ownLibrary(profile: StackProfile): StackLibrary | undefined {
  if (isOf(profile, 'lwip')) startLwip();
  return isOf(profile, 'winsock') ? winsockLibrary() : undefined;
}

/** Whether the profile describes the library of an included one: a file of somebody's own may, too. */
function isOf(profile: StackProfile, included: string): boolean {
  return profile.library === PROFILES[included]?.library;
}
