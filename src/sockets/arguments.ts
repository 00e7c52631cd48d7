import { InvalidArgumentError, OutOfRangeError } from '../port/errors.js';

/** What every operation takes. */
export interface OperationOptions {
  /**
   * Milliseconds until a cancel is requested; Infinity waits for ever, 0 completes only if it can without waiting.
   * Absent: the socket's default. More than 2^31-1 is clamped to that.
   */
  readonly timeoutMs?: number | undefined;
  /** Aborting it requests a cancel. */
  readonly signal?: AbortSignal | undefined;
}

/** Options must be an object: a number would be taken for no options at all. */
export function checkOptions<T extends object>(options: T): T {
  if (typeof options === 'object' && options !== null) return options;
  throw new InvalidArgumentError(`options must be an object, not ${kind(options)}`);
}

export function checkIterable<T>(name: string, value: Iterable<T>): Iterable<T> {
  if (typeof Object(value)[Symbol.iterator] === 'function') return value;
  throw new InvalidArgumentError(`${name} must be iterable, and not ${kind(value)}`);
}

/** The timeout to use; throws for what is not one. */
export function checkTimeout(timeoutMs: number | undefined, fallback: number): number {
  if (timeoutMs === undefined) return fallback;
  if (typeof timeoutMs !== 'number')
    throw new InvalidArgumentError(`timeoutMs must be a number, not ${kind(timeoutMs)}`);
  // The comparison also catches NaN.
  if (!(timeoutMs >= 0)) throw new OutOfRangeError(`timeoutMs must be 0 or more, or Infinity, not ${timeoutMs}`);
  return timeoutMs;
}

export function checkSignal(signal: AbortSignal | undefined): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  throw new InvalidArgumentError(`signal must be an AbortSignal, not ${kind(signal)}`);
}

/** A buffer to receive into: it must have room, or the result could not be told from the end of the stream. */
export function checkReceiveBuffer(buffer: Uint8Array): Uint8Array {
  if (!(buffer instanceof Uint8Array))
    throw new InvalidArgumentError(`buffer must be a Uint8Array, not ${kind(buffer)}`);
  if (buffer.length === 0) throw new OutOfRangeError('buffer must have room for at least one byte (is it detached?)');
  return buffer;
}

export function checkSendBuffer(buffer: Uint8Array): Uint8Array {
  if (!(buffer instanceof Uint8Array)) throw new InvalidArgumentError(`data must be a Uint8Array, not ${kind(buffer)}`);
  return buffer;
}

export function checkInteger(name: string, value: number, minimum: number, maximum: number): number {
  if (typeof value !== 'number') throw new InvalidArgumentError(`${name} must be a number, not ${kind(value)}`);
  if (!Number.isInteger(value) || value < minimum || value > maximum) {
    throw new OutOfRangeError(`${name} must be an integer from ${minimum} to ${maximum}, not ${value}`);
  }
  return value;
}

export function checkPort(name: string, port: number): number {
  return checkInteger(name, port, 0, 65535);
}

export function checkString(name: string, value: string): string {
  if (typeof value !== 'string') throw new InvalidArgumentError(`${name} must be a string, not ${kind(value)}`);
  if (value.includes('\0', 1))
    throw new InvalidArgumentError(`${name} must not contain a NUL`, 'ERR_INVALID_ARG_VALUE');
  return value;
}

/** How a message names a value of the wrong type. */
function kind(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value !== 'object') return typeof value;
  return value.constructor?.name ?? 'an object';
}
