import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as nt from '../../native-bindings/windows/ntstatus.js';
import * as win from '../../native-bindings/windows/winerror.js';
import { errorOfStatus, isCancelled, isReset, winsockErrors } from '../../src/drivers/iocp/errors.js';

// Runs on every platform: to import the driver and its bindings loads no library.
describe('Winsock errors', () => {
  test("Winsock's numbers have the names of the other platforms", () => {
    for (const [number, name] of [
      [win.WSAECONNRESET, 'ECONNRESET'],
      [win.WSAECONNREFUSED, 'ECONNREFUSED'],
      [win.WSAEADDRINUSE, 'EADDRINUSE'],
      [win.WSAEWOULDBLOCK, 'EAGAIN'],
      [win.WSAESHUTDOWN, 'EPIPE'],
      [win.WSAENOPROTOOPT, 'ENOPROTOOPT'],
      [win.WSAEMFILE, 'EMFILE'],
      [win.WSAEINVAL, 'EINVAL'],
    ] as const) {
      assert.equal(winsockErrors.name(number), name);
      assert.equal(winsockErrors.code(name), number);
    }
  });

  test('system errors that Winsock lets through have a name, and keep their number', () => {
    assert.equal(winsockErrors.name(win.ERROR_NETNAME_DELETED), 'ECONNRESET');
    assert.equal(winsockErrors.name(win.ERROR_OPERATION_ABORTED), 'ECANCELED');
    assert.equal(winsockErrors.name(win.ERROR_SEM_TIMEOUT), 'ETIMEDOUT');
    assert.equal(winsockErrors.code('ECONNRESET'), win.WSAECONNRESET);
  });

  test('a number that nobody knows keeps itself', () => {
    assert.equal(winsockErrors.name(123456), 'UNKNOWN_123456');
  });

  test('every error that a completion may carry has a name', () => {
    for (const [name, status] of Object.entries(nt)) {
      if (typeof status !== 'number') continue;
      const error = errorOfStatus(status);
      const wellEnded = status < 0x8000_0000;
      assert.equal(error === 0, wellEnded, name);
      if (error === win.WSASYSCALLFAILURE || wellEnded) continue;
      assert.doesNotMatch(winsockErrors.name(error), /^UNKNOWN/, name);
    }
  });

  test('a status that is in no table is a failure, and not a success', () => {
    assert.equal(errorOfStatus(0xc0ffee00), win.WSASYSCALLFAILURE);
  });

  test("what libuv's and Wine's tables agree on is so here, too", () => {
    for (const [status, error] of [
      [nt.STATUS_BUFFER_OVERFLOW, win.WSAEMSGSIZE],
      [nt.STATUS_BUFFER_TOO_SMALL, win.WSAEFAULT],
      [nt.STATUS_LINK_FAILED, win.WSAECONNRESET],
      [nt.STATUS_PORT_UNREACHABLE, win.WSAECONNRESET],
      [nt.STATUS_LOCAL_DISCONNECT, win.WSAECONNABORTED],
      [nt.STATUS_BAD_NETWORK_PATH, win.WSAENETUNREACH],
      [nt.STATUS_UNEXPECTED_NETWORK_ERROR, win.WSAENETDOWN],
      [nt.STATUS_NETWORK_BUSY, win.WSAENETDOWN],
      [nt.STATUS_OBJECT_NAME_NOT_FOUND, win.WSAENETDOWN],
      [nt.STATUS_REQUEST_NOT_ACCEPTED, win.WSAEWOULDBLOCK],
      [nt.STATUS_TOO_MANY_PAGING_FILES, win.WSAENOBUFS],
      [nt.STATUS_IO_TIMEOUT, win.WSAETIMEDOUT],
      [nt.STATUS_NOT_IMPLEMENTED, win.WSAEOPNOTSUPP],
    ] as const) {
      assert.equal(errorOfStatus(status), error, status.toString(16));
    }
  });

  test('a status that was made of an error number is that error', () => {
    assert.equal(errorOfStatus((0xc007_0000 | win.WSAENETUNREACH) >>> 0), win.WSAENETUNREACH);
    assert.equal(errorOfStatus(0xc007_0000), win.WSASYSCALLFAILURE);
  });

  test('a cancelled request is told from a failed one, whether by CancelIoEx or by a close (Wine)', () => {
    for (const status of [nt.STATUS_CANCELLED, nt.STATUS_HANDLES_CLOSED]) assert.ok(isCancelled(errorOfStatus(status)));
    assert.ok(!isCancelled(errorOfStatus(nt.STATUS_CONNECTION_ABORTED)));
  });

  test('a reset is one under each of its names, so that it never reads as an end', () => {
    const names = [nt.STATUS_CONNECTION_RESET, nt.STATUS_NETWORK_NAME_DELETED, nt.STATUS_REMOTE_DISCONNECT];
    for (const status of names) {
      assert.ok(isReset(errorOfStatus(status)));
      assert.equal(winsockErrors.name(errorOfStatus(status)), 'ECONNRESET');
    }
  });
});
