import { formatAddress, type SocketAddress } from './address.js';
import type { Driver } from './driver.js';
import { MAX_QUEUED_OPERATIONS } from './limits.js';
import type { Operation, OperationKind } from './operation.js';

export interface SystemErrorDetails {
  /** The portable name: 'ECONNRESET'. */
  readonly code: string;
  /** What was called: 'recv'. */
  readonly syscall: string;
  /** The platform's own number (Windows: 10054). 0 where the library itself decided. */
  readonly nativeCode?: number;
  readonly address?: SocketAddress | undefined;
  readonly bytesTransferred?: number;
  readonly cause?: unknown;
}

/** An operation failed for a reason of the system's or the peer's. */
export class SystemError extends Error {
  override name = 'SystemError';
  readonly code: string;
  /** As Node has it: the native number, negated. */
  readonly errno: number;
  readonly syscall: string;
  readonly nativeCode: number;
  readonly address: string | undefined;
  readonly port: number | undefined;
  /** Bytes that were moved before the operation failed. */
  readonly bytesTransferred: number;

  constructor(message: string, details: SystemErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = details.code;
    this.nativeCode = details.nativeCode ?? 0;
    this.errno = -this.nativeCode;
    this.syscall = details.syscall;
    this.address = details.address?.address;
    this.port = details.address?.port;
    this.bytesTransferred = details.bytesTransferred ?? 0;
  }
}

/** The operation's deadline passed before it could move a byte (a send: all of them). */
export class TimeoutError extends SystemError {
  override name = 'TimeoutError';
}

/** A close ended the operation: WSA_OPERATION_ABORTED on Winsock. */
export class OperationAbortedError extends SystemError {
  override name = 'OperationAbortedError';
}

/** The stack has no such function. `syscall` is the function's POSIX name, and the code is ENOSYS. */
export class NotImplementedError extends SystemError {
  override name = 'NotImplementedError';

  constructor(message: string, syscall: string, nativeCode = 0) {
    super(message, { code: 'ENOSYS', syscall, nativeCode });
  }
}

/** The operation's signal was aborted. `cause` is the signal's reason. */
export class AbortError extends Error {
  override name = 'AbortError';
  readonly code = 'ABORT_ERR';
  readonly bytesTransferred: number;

  constructor(message: string, cause: unknown, bytesTransferred: number) {
    super(message, { cause });
    this.bytesTransferred = bytesTransferred;
  }
}

/** The caller's mistakes: found before anything reaches the kernel. */
export class InvalidArgumentError extends TypeError {
  readonly code: string;

  constructor(message: string, code = 'ERR_INVALID_ARG_TYPE') {
    super(message);
    this.code = code;
  }
}

export class OutOfRangeError extends RangeError {
  readonly code = 'ERR_OUT_OF_RANGE';
}

/** The call does not fit the socket's state: closed, not connected, already closing. */
export class SocketStateError extends Error {
  override name = 'SocketStateError';
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

const ACTION: Readonly<Record<OperationKind, string>> = {
  accept: 'accept on',
  connect: 'connect',
  recv: 'receive on',
  send: 'send on',
  recvBatch: 'receive datagrams on',
  sendBatch: 'send datagrams on',
};

/** The error of an operation that did not end well. Reads the operation; must be called before it is released. */
export function operationError(driver: Driver, operation: Operation): Error {
  const { kind, bytesTransferred } = operation;
  const address = operation.address ?? undefined;
  const target = address ? ` to ${formatAddress(address)}` : '';
  const action = `Cannot ${ACTION[kind]} socket ${operation.socket?.descriptor ?? -1}${target}`;
  if (operation.outcome === 'refused') {
    return new SystemError(`${action}: ${MAX_QUEUED_OPERATIONS} operations are waiting already`, {
      code: 'ENOBUFS',
      syscall: kind,
    });
  }
  if (operation.outcome === 'cancelled') {
    const base = { syscall: kind, address, bytesTransferred };
    switch (operation.cancelReason) {
      case 'timeout':
        return new TimeoutError(`${action}: timed out`, { code: 'ETIMEDOUT', ...base });
      case 'signal':
        return new AbortError(`${action}: aborted by its signal`, operation.signal?.reason, bytesTransferred);
      case 'close':
      case 'none':
        return new OperationAbortedError(`${action}: aborted by a close of the socket`, { code: 'ECANCELED', ...base });
    }
  }
  return systemError(driver, action, kind, operation.nativeError, address, bytesTransferred);
}

/** A SystemError for a native error number, with the driver's name for it. */
export function systemError(
  driver: Pick<Driver, 'errors'>,
  action: string,
  syscall: string,
  nativeCode: number,
  address?: SocketAddress,
  bytesTransferred = 0,
): SystemError {
  const code = driver.errors.name(nativeCode);
  const message = `${action}: ${driver.errors.describe(code)}`;
  if (code === 'ENOSYS') return new NotImplementedError(message, syscall, nativeCode);
  return new SystemError(message, { code, syscall, nativeCode, address, bytesTransferred });
}
