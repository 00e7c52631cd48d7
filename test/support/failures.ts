import assert from 'node:assert/strict';
import { AbortError, OperationAbortedError, SystemError, TimeoutError } from '../../src/index.js';
import { soon } from './waiting.js';

/** The error that the promise rejects with. */
export async function failure(promise: Promise<unknown>, what = 'an operation to fail'): Promise<Error> {
  const outcome = await soon(
    promise.then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    ),
    what,
  );
  if ('error' in outcome) return outcome.error as Error;
  assert.fail(`Waited for ${what}, and it ended well with ${String(outcome.value)}`);
}

/** Rejects with a TimeoutError. */
export async function timesOut(promise: Promise<unknown>, syscall?: string): Promise<TimeoutError> {
  const error = await failure(promise, 'a timeout');
  assert.ok(error instanceof TimeoutError, `a TimeoutError, not ${error.name}: ${error.message}`);
  assert.ok(error instanceof SystemError);
  assert.equal(error.name, 'TimeoutError');
  assert.equal(error.code, 'ETIMEDOUT');
  if (syscall !== undefined) assert.equal(error.syscall, syscall);
  return error;
}

/** Rejects because its signal was aborted. */
export async function isAborted(promise: Promise<unknown>, reason?: unknown): Promise<AbortError> {
  const error = await failure(promise, 'an abort');
  assert.ok(error instanceof AbortError, `an AbortError, not ${error.name}: ${error.message}`);
  assert.equal(error.name, 'AbortError');
  assert.equal(error.code, 'ABORT_ERR');
  if (reason !== undefined) assert.equal(error.cause, reason);
  return error;
}

/** Rejects because the socket was closed under it: WSA_OPERATION_ABORTED. */
export async function isEndedByClose(promise: Promise<unknown>, syscall?: string): Promise<OperationAbortedError> {
  const error = await failure(promise, 'a close to end the operation');
  assert.ok(error instanceof OperationAbortedError, `an OperationAbortedError, not ${error.name}: ${error.message}`);
  assert.equal(error.code, 'ECANCELED');
  if (syscall !== undefined) assert.equal(error.syscall, syscall);
  return error;
}

/** Rejects with a SystemError of one of the codes. */
export async function failsWith(promise: Promise<unknown>, ...codes: string[]): Promise<SystemError> {
  const error = await failure(promise, codes.join(' or '));
  assert.ok(error instanceof SystemError, `a SystemError, not ${error.name}: ${error.message}`);
  assert.ok(codes.includes(error.code), `${codes.join(' or ')}, not ${error.code}: ${error.message}`);
  return error;
}

/** The code of any error. */
export async function failureCode(promise: Promise<unknown>): Promise<string> {
  return ((await failure(promise)) as NodeJS.ErrnoException).code ?? '';
}
