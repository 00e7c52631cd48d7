import { systemLibrary } from './system-library.js';

export const HEADERS = ['winsock2.h', 'windows.h', 'iphlpapi.h'] as const;

/**
 * The IP helper's numbers of interfaces, verbatim. A NET_LUID has eight bytes, a NET_IFINDEX four. Both give 0, or their
 * error number themselves.
 * https://learn.microsoft.com/windows/win32/api/netioapi/
 */
export const iphlpapi = systemLibrary('iphlpapi.dll', (library) => ({
  /** `alias` is UTF-16 with a NUL at its end. */
  ConvertInterfaceAliasToLuid: library.func<(alias: Uint8Array, luid: Uint8Array) => number>(
    'uint32_t __stdcall ConvertInterfaceAliasToLuid(void *, void *)',
  ),
  ConvertInterfaceLuidToIndex: library.func<(luid: Uint8Array, index: Uint8Array) => number>(
    'uint32_t __stdcall ConvertInterfaceLuidToIndex(void *, void *)',
  ),
}));
