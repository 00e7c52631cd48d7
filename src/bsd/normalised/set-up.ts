import { SystemError } from '../../port/errors.js';
import type { StackCalls } from '../library/calls.js';
import type { FunctionType, NativeValue } from '../library/library.js';
import type { SetUpArgument, SetUpCall } from '../profile/profile.js';
import { Words } from './words.js';

/** Makes the profile's calls for set-up or tear-down, one after the other; throws SystemError at the first that fails. */
export function makeSetUpCalls(calls: StackCalls, list: readonly SetUpCall[], purpose: 'setUp' | 'tearDown'): void {
  const { name, byteOrder } = calls.profile;
  for (const { symbol, arguments: values, result = 'int32', success = 'notNegative' } of list) {
    const type: FunctionType = { result, parameters: values.map((value) => ('int32' in value ? 'int32' : 'memory')) };
    const call = calls.symbol(symbol, type);
    if (call === null) throw missingSymbol(name, calls.library.name, purpose, symbol);
    const returned = call(...values.map((value) => nativeValue(value, byteOrder)));
    if (result === 'void' || returned === 0 || (returned > 0 && success === 'notNegative')) continue;
    // A result that is not negative is the error itself.
    const nativeCode = returned > 0 ? returned : -calls.failure(returned);
    const code = calls.errors.table.name(nativeCode);
    const action = purpose === 'setUp' ? 'set up' : 'tear down';
    const message = `Cannot ${action} the stack ${name}: ${symbol} fails with ${code}`;
    throw new SystemError(message, { code, syscall: symbol, nativeCode });
  }
}

/** The error for a symbol that a profile names and its library lacks. */
export function missingSymbol(stack: string, library: string, call: string, symbol: string): SystemError {
  const message = `Cannot bind the stack ${stack}: ${library} has no symbol ${symbol} for ${call}`;
  return new SystemError(message, { code: 'ERR_SYMBOL_MISSING', syscall: call });
}

function nativeValue(value: SetUpArgument, byteOrder: 'little' | 'big'): NativeValue {
  if ('int32' in value) return value.int32;
  if (value.memory === null) return null;
  const words = new Words(value.memory.bytes, byteOrder);
  for (const [at, word] of value.memory.words ?? []) words.setInt32(at, word);
  return words.bytes;
}
