import { StackCalls } from '../library/calls.js';
import { openKoffiLibrary } from '../library/koffi.js';
import type { FunctionType, StackLibrary } from '../library/library.js';
import type { OpenStack } from '../open-stack.js';
import { CALL_NAMES } from '../profile/calls.js';
import type { StackProfile } from '../profile/profile.js';
import { openWaits } from '../waiting/open-waits.js';
import { PendingErrors } from '../waiting/pending-errors.js';
import { makeSetUpCalls, missingSymbol } from './set-up.js';
import { NormalisedStack } from './stack.js';

/** Stacks without a way back from their set-up, which was made on this thread. */
const setUpForGood = new Set<string>();

/**
 * Binds and sets up a stack. `library` holds its functions; absent, the profile's own library is loaded by koffi.
 * Whoever opens a stack closes it, after its sockets and its proactors.
 *
 * Throws SystemError: ERR_DLOPEN_FAILED where the library cannot be loaded, ERR_SYMBOL_MISSING where it lacks a symbol
 * that the profile names, and the stack's own error where a call of the set-up fails.
 */
export function openStack(profile: StackProfile, library?: StackLibrary): OpenStack {
  const functions = library ?? openKoffiLibrary(profile.library);
  checkSymbols(profile, functions);
  const calls = new StackCalls(profile, functions);
  setUp(calls);
  const pending = new PendingErrors();
  const waits = openWaits(profile, functions, pending);
  let closed = false;
  return {
    profile,
    stack: new NormalisedStack(calls, pending),
    waiter: waits.waiter,
    makeNotifier: () => waits.makeNotifier(),
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
