import { InvalidArgumentError } from '../../port/errors.js';
import type { ErrorReport } from '../profile/profile.js';
import type { StackLibrary } from './library.js';

/**
 * Gives the positive native error number of a call that has just failed with this result; 0 where the stack has left
 * none. Nothing may be called between the failing call and this.
 */
export type ErrorReader = (returned: number) => number;

/** How a stack's errors are read, as its profile describes it. Throws ERR_STACK_SYMBOL where the library lacks it. */
export function errorReader(report: ErrorReport, library: StackLibrary): ErrorReader {
  switch (report.by) {
    case 'errno':
      return () => Math.abs(library.lastErrno());
    case 'call': {
      const call = need(library, report.symbol, 'int32');
      return () => Math.abs(call());
    }
    case 'location': {
      // Asked for at each error: it may be another thread's, or not be there before the set-up.
      const location = need(library, report.symbol, 'address');
      return () => Math.abs(library.readInt32(location()));
    }
    case 'negatedResult':
      return (returned) => -returned;
    case 'taggedResult':
      return (returned) => returned & report.mask;
  }
}

function need(library: StackLibrary, symbol: string, result: 'int32' | 'address') {
  const call = library.find(symbol, { result, parameters: [] });
  if (call !== null) return call;
  throw new InvalidArgumentError(`${library.name} has no ${symbol}, which tells its errors`, 'ERR_STACK_SYMBOL');
}
