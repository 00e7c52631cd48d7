import { hasEpoll } from '../../platform.js';
import { InvalidArgumentError } from '../../port/errors.js';
import { StackCalls } from '../library/calls.js';
import { openKoffiLibrary } from '../library/koffi.js';
import type { FunctionType, StackLibrary } from '../library/library.js';
import { EpollEdges } from '../linux/epoll-edges.js';
import type { OpenStack } from '../open-stack.js';
import { CALL_NAMES } from '../profile/calls.js';
import type { StackProfile } from '../profile/profile.js';
import { validateProfile } from '../profile/validate.js';
import { openWaits } from '../waiting/open-waits.js';
import { PendingErrors } from '../waiting/pending-errors.js';
import { ReadableEdges } from '../waiting/readable-edges.js';
import { makeSetUpCalls, missingSymbol } from './set-up.js';
import { NormalisedStack } from './stack.js';

/** Stacks without a way back from their set-up, which was made on this thread. */
const setUpForGood = new Set<string>();

/**
 * Binds and sets up a stack. `library` holds its functions; absent, the profile's own library is loaded by koffi.
 * Whoever opens a stack closes it, after its sockets and its proactors.
 *
 * Throws TypeError ERR_STACK_PROFILE, which names the field, for what is no profile, and SystemError: ERR_DLOPEN_FAILED
 * where the library cannot be loaded, ERR_SYMBOL_MISSING where it lacks a symbol that the profile names, and the stack's
 * own error where a call of the set-up fails.
 */
export function openStack(profile: StackProfile, library?: StackLibrary): OpenStack {
  return openValid(validateProfile(profile), library);
}

function openValid(profile: StackProfile, library: StackLibrary | undefined): OpenStack {
  if (library !== undefined && typeof library?.find !== 'function') {
    throw new InvalidArgumentError('library must be a StackLibrary: openKoffiLibrary() or javascriptLibrary()');
  }
  const functions = library ?? openKoffiLibrary(profile.library);
  checkSymbols(profile, functions);
  const calls = new StackCalls(profile, functions);
  const pending = new PendingErrors();
  const isHost = library === undefined && profile.library === null && profile.symbols.socket === 'socket';
  // The C library's sockets are the host's own, and Linux can say when something happens to them.
  const openEdges = isHost && hasEpoll() ? () => EpollEdges.open() : undefined;
  const openKqueueEdges = isHost ? () => new ReadableEdges() : undefined;
  const waits = openWaits(profile, functions, pending, openEdges, openKqueueEdges);
  const stack = new NormalisedStack(calls, pending);
  // Last, so that a profile without a usable wait leaves nothing set up behind it.
  setUp(calls);
  let closed = false;
  return {
    profile,
    stack,
    waiter: waits.waiter,
    makeNotifier: () => waits.makeNotifier(),
    watch: (descriptors, look) => waits.watch(descriptors, look),
    close: () => {
      if (closed) return;
      closed = true;
      if (!profile.quirks.noTearDown) makeSetUpCalls(calls, profile.tearDown, 'tearDown');
    },
  };
}

/** Every symbol is looked up at once: a wrong one should not wait for its call to be made. */
function checkSymbols(profile: StackProfile, library: StackLibrary): void {
  const nothing: FunctionType = { result: 'void', parameters: [] };
  const check = (call: string, symbol: string | undefined) => {
    if (symbol === undefined || library.find(symbol, nothing) !== null) return;
    throw missingSymbol(profile.name, library.name, call, symbol);
  };
  for (const name of CALL_NAMES) check(name, profile.symbols[name]);
  if ('symbol' in profile.errorReport) check('errorReport', profile.errorReport.symbol);
  for (const { symbol } of profile.setUp) check('setUp', symbol);
  for (const { symbol } of profile.tearDown) check('tearDown', symbol);
}

function setUp(calls: StackCalls): void {
  const { profile, library } = calls;
  const key = `${profile.name} ${library.name}`;
  if (profile.quirks.noTearDown && setUpForGood.has(key)) return;
  makeSetUpCalls(calls, profile.setUp, 'setUp');
  if (profile.quirks.noTearDown) setUpForGood.add(key);
}
