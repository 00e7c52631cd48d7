import type { DriverName } from './port/driver.js';

/** The drivers to try on this platform, best first. The only place that asks which platform this is. */
export function platformDrivers(): readonly DriverName[] {
  switch (process.platform) {
    case 'linux':
    case 'android':
      return ['io_uring', 'readiness'];
    case 'win32':
      return ['iocp'];
    default:
      return [];
  }
}

/** What gives pages of memory that the kernel may hold. */
export function platformPages(): 'mmap' | 'VirtualAlloc' {
  return process.platform === 'win32' ? 'VirtualAlloc' : 'mmap';
}

/** Whether this platform has packet(7) sockets, by which a program sees what is on the wire. */
export function hasPacketSockets(): boolean {
  return process.platform === 'linux';
}

/** `linux 6.18.0 x64`: how reports and `doctor` name the platform. */
export function platformTitle(release: string): string {
  return `${process.platform} ${release} ${process.arch}`;
}

/** The included profile that describes the platform's own sockets; undefined where there is none. */
export function platformStack(): 'linux' | 'darwin' | 'winsock' | undefined {
  switch (process.platform) {
    case 'linux':
    case 'android':
      return 'linux';
    case 'darwin':
      return 'darwin';
    case 'win32':
      return 'winsock';
    default:
      return undefined;
  }
}

/** Whether the host's own descriptors can be watched by epoll(7). */
export function hasEpoll(): boolean {
  return process.platform === 'linux' || process.platform === 'android';
}
