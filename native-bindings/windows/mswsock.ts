import { functionAt } from '../ffi.js';
import { SIO_GET_EXTENSION_FUNCTION_POINTER } from './constants.js';
import { defineGuid, guidBytes, type HeaderGuid } from './guid.js';
import { ws2_32 } from './ws2_32.js';

export const HEADERS = ['winsock2.h', 'mswsock.h'] as const;

// mswsock.h
export const WSAID_TRANSMITFILE = defineGuid('WSAID_TRANSMITFILE', 'b5367df0-cbac-11cf-95ca00805f48a192');
export const WSAID_ACCEPTEX = defineGuid('WSAID_ACCEPTEX', 'b5367df1-cbac-11cf-95ca00805f48a192');
export const WSAID_GETACCEPTEXSOCKADDRS = defineGuid(
  'WSAID_GETACCEPTEXSOCKADDRS',
  'b5367df2-cbac-11cf-95ca00805f48a192',
);
export const WSAID_DISCONNECTEX = defineGuid('WSAID_DISCONNECTEX', '7fda2e11-8630-436f-a031f536a6eec157');
export const WSAID_CONNECTEX = defineGuid('WSAID_CONNECTEX', '25a207b9-ddf3-4660-8ee976e58c74063e');
export const WSAID_WSARECVMSG = defineGuid('WSAID_WSARECVMSG', 'f689d7c8-6f1f-436b-8a53e54fe351c322');
export const WSAID_WSASENDMSG = defineGuid('WSAID_WSASENDMSG', 'a441e712-754f-43ca-84a70dee44cf606d');

/**
 * Winsock's extension functions. They belong to the provider of a socket and are asked for through one
 * (WSAIoctl, SIO_GET_EXTENSION_FUNCTION_POINTER); all of Microsoft's providers give the same. A BOOL gives 0, and an
 * INT gives -1, and WSAGetLastError() where it failed or is pending. Numbers that are no SOCKET and no length are
 * addresses in mapped memory.
 * https://learn.microsoft.com/windows/win32/api/mswsock/
 */
export interface ExtensionFunctions {
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
  /** Finds the addresses in AcceptEx's output: where pointers to them and their lengths are to be written. */
  GetAcceptExSockaddrs(
    output: number,
    dataBytes: number,
    localAddressBytes: number,
    remoteAddressBytes: number,
    localAddress: number,
    localLength: number,
    remoteAddress: number,
    remoteLength: number,
  ): void;
  /** The socket must be bound. */
  ConnectEx(
    socket: number,
    address: number,
    length: number,
    data: number,
    dataBytes: number,
    sent: number,
    overlapped: number,
  ): number;
  /** Ends the connection, with TF_REUSE_SOCKET so that the socket can connect or be accepted into again. */
  DisconnectEx(socket: number, overlapped: number, flags: number, reserved: number): number;
  TransmitFile(
    socket: number,
    file: number,
    bytes: number,
    bytesPerSend: number,
    overlapped: number,
    headAndTail: number,
    flags: number,
  ): number;
  /** Datagram sockets only. `message` is a WSAMSG. */
  WSARecvMsg(socket: number, message: number, received: number, overlapped: number, routine: number): number;
  /** Datagram sockets only. `message` is a WSAMSG. */
  WSASendMsg(socket: number, message: number, flags: number, sent: number, overlapped: number, routine: number): number;
}

export type ExtensionName = keyof ExtensionFunctions;

const DECLARATIONS: Readonly<Record<ExtensionName, readonly [guid: HeaderGuid, prototype: string]>> = {
  AcceptEx: [
    WSAID_ACCEPTEX,
    'int __stdcall AcceptEx(uintptr_t, uintptr_t, uintptr_t, uint32_t, uint32_t, uint32_t, uintptr_t, uintptr_t)',
  ],
  GetAcceptExSockaddrs: [
    WSAID_GETACCEPTEXSOCKADDRS,
    'void __stdcall GetAcceptExSockaddrs(uintptr_t, uint32_t, uint32_t, uint32_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t)',
  ],
  ConnectEx: [
    WSAID_CONNECTEX,
    'int __stdcall ConnectEx(uintptr_t, uintptr_t, int, uintptr_t, uint32_t, uintptr_t, uintptr_t)',
  ],
  DisconnectEx: [WSAID_DISCONNECTEX, 'int __stdcall DisconnectEx(uintptr_t, uintptr_t, uint32_t, uint32_t)'],
  TransmitFile: [
    WSAID_TRANSMITFILE,
    'int __stdcall TransmitFile(uintptr_t, uintptr_t, uint32_t, uint32_t, uintptr_t, uintptr_t, uint32_t)',
  ],
  WSARecvMsg: [WSAID_WSARECVMSG, 'int __stdcall WSARecvMsg(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t)'],
  WSASendMsg: [
    WSAID_WSASENDMSG,
    'int __stdcall WSASendMsg(uintptr_t, uintptr_t, uint32_t, uintptr_t, uintptr_t, uintptr_t)',
  ],
};

const found: Partial<ExtensionFunctions> = {};

/** An extension function, asked of a socket once; or the error number. The message functions want a datagram socket. */
export function extensionFunction<N extends ExtensionName>(socket: number, name: N): ExtensionFunctions[N] | number {
  const known = found[name];
  if (known !== undefined) return known;
  const [guid, prototype] = DECLARATIONS[name];
  const pointer = pointerOf(socket, guid);
  if (typeof pointer === 'number') return pointer;
  const declared = functionAt<ExtensionFunctions[N]>(pointer, prototype);
  found[name] = declared;
  return declared;
}

/** The address of an extension function as a bigint; as a number, the error. */
function pointerOf(socket: number, guid: HeaderGuid): bigint | number {
  const input = guidBytes(guid);
  const pointer = new BigUint64Array(1);
  const output = new Uint8Array(pointer.buffer);
  const returned = new Uint8Array(4);
  const { WSAIoctl, WSAGetLastError } = ws2_32();
  const code = SIO_GET_EXTENSION_FUNCTION_POINTER;
  const failed = WSAIoctl(socket, code, input, input.length, output, output.length, returned, null, null);
  return failed === 0 ? (pointer[0] as bigint) : WSAGetLastError();
}
