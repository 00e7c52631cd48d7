import { functionAt } from '../ffi.js';
import { SIO_GET_EXTENSION_FUNCTION_POINTER } from './constants.js';
import { GUID } from './structs.js';
import { ws2_32 } from './ws2_32.js';

export const HEADERS = ['winsock2.h', 'mswsock.h'] as const;

/**
 * Winsock's extension functions. They belong to the provider of a socket and are asked for through one
 * (WSAIoctl, SIO_GET_EXTENSION_FUNCTION_POINTER); all of Microsoft's providers give the same.
 * https://learn.microsoft.com/windows/win32/api/mswsock/
 */
export interface ExtensionFunctions {
  /** BOOL: 0 and WSAGetLastError() where it failed or is pending. */
  AcceptEx(
    listener: number,
    accepted: number,
    output: number,
    dataBytes: number,
    localAddressBytes: number,
    remoteAddressBytes: number,
    received: number,
    overlapped: number,
  ): number;
  /** BOOL: 0 and WSAGetLastError() where it failed or is pending. The socket must be bound. */
  ConnectEx(
    socket: number,
    address: number,
    length: number,
    data: number,
    dataBytes: number,
    sent: number,
    overlapped: number,
  ): number;
}

/** WSAID_ACCEPTEX and WSAID_CONNECTEX of mswsock.h: {data1, data2, data3, data4}. */
const WSAID_ACCEPTEX = [0xb5367df1, 0xcbac, 0x11cf, '95ca00805f48a192'] as const;
const WSAID_CONNECTEX = [0x25a207b9, 0xddf3, 0x4660, '8ee976e58c74063e'] as const;

const ACCEPTEX =
  'int __stdcall AcceptEx(uintptr_t, uintptr_t, uintptr_t, uint32_t, uint32_t, uint32_t, uintptr_t, uintptr_t)';
const CONNECTEX = 'int __stdcall ConnectEx(uintptr_t, uintptr_t, int, uintptr_t, uint32_t, uintptr_t, uintptr_t)';

let extensions: ExtensionFunctions | undefined;

/** The extension functions, asked of a stream socket once; or the error number. */
export function extensionFunctions(socket: number): ExtensionFunctions | number {
  if (extensions !== undefined) return extensions;
  const acceptEx = pointerOf(socket, WSAID_ACCEPTEX);
  if (typeof acceptEx === 'number') return acceptEx;
  const connectEx = pointerOf(socket, WSAID_CONNECTEX);
  if (typeof connectEx === 'number') return connectEx;
  extensions = {
    AcceptEx: functionAt<ExtensionFunctions['AcceptEx']>(acceptEx, ACCEPTEX),
    ConnectEx: functionAt<ExtensionFunctions['ConnectEx']>(connectEx, CONNECTEX),
  };
  return extensions;
}

/** The address of an extension function as a bigint; as a number, the error. */
function pointerOf(
  socket: number,
  [data1, data2, data3, data4]: readonly [number, number, number, string],
): bigint | number {
  const guid = new Uint8Array(GUID.size);
  const view = new DataView(guid.buffer);
  view.setUint32(GUID.offset.Data1, data1, true);
  view.setUint16(GUID.offset.Data2, data2, true);
  view.setUint16(GUID.offset.Data3, data3, true);
  guid.set(Buffer.from(data4, 'hex'), GUID.offset.Data4);
  const pointer = new BigUint64Array(1);
  const output = new Uint8Array(pointer.buffer);
  const { WSAIoctl, WSAGetLastError } = ws2_32();
  const code = SIO_GET_EXTENSION_FUNCTION_POINTER;
  const failed = WSAIoctl(
    socket,
    code,
    guid,
    guid.byteLength,
    output,
    output.byteLength,
    new Uint8Array(4),
    null,
    null,
  );
  return failed === 0 ? (pointer[0] as bigint) : WSAGetLastError();
}
