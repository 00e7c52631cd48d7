import { release } from 'node:os';
import { wineVersion } from '../../../native-bindings/windows/ntdll.js';
import { platformDrivers } from '../../platform.js';
import { type OpenedCapture, openCapture } from '../wire/capture.js';
import { BareEpoll } from './bare-epoll.js';
import { BareIoUring } from './bare-io-uring.js';
import type { BareName, BarePlatform, PlatformTitle } from './bare-platform.js';
import { BareWinsock } from './bare-winsock.js';
import { RemotePeers } from './remote-peer.js';
import { startWinsock, WinsockPeers } from './winsock-calls.js';
import { CaptureWatch, type WireWatch } from './wire-watch.js';

/** The interfaces that this system has. */
export function bareNames(): readonly BareName[] {
  const drivers = platformDrivers();
  if (drivers.includes('iocp')) return ['iocp'];
  return drivers.includes('io_uring') ? ['io_uring', 'epoll'] : [];
}

/** A kernel's release without what its builder put behind it: `6.18.44` of `6.18.44-custom-3`. */
export function plainRelease(full: string): string {
  return /^\d+(?:\.\d+)*/.exec(full)?.[0] ?? full;
}

export function linuxVersion(): string {
  return plainRelease(release());
}

/** Whether this is Wine, which needs a peer on its other side. */
export function needsRemotePeer(): boolean {
  return bareNames().includes('iocp') && wineVersion() !== null;
}

/** A platform to be measured, and who watches the wire. */
export interface OpenedPlatform {
  readonly platform: BarePlatform;
  /** Who the peer is, for the report. */
  readonly peer: string;
  readonly wire: WireWatch | null;
  /** '' where the wire is watched, otherwise why not. */
  readonly blind: string;
  close(): Promise<void>;
}

/** Opens one interface of this system. `peerPort`: where a peer service listens; needed under Wine, and only there. */
export async function openPlatform(name: BareName, peerPort: number | null): Promise<OpenedPlatform> {
  if (name === 'iocp') return openWinsock(peerPort);
  const platform = name === 'io_uring' ? new BareIoUring(linuxVersion()) : new BareEpoll(linuxVersion());
  const opened = await openCapture();
  return {
    platform,
    peer: 'plain non-blocking sockets of the same process',
    wire: 'capture' in opened ? new CaptureWatch(opened.capture) : null,
    blind: 'reason' in opened ? opened.reason : '',
    close: async () => {
      platform.destroy();
      await closeCapture(opened);
    },
  };
}

async function closeCapture(opened: OpenedCapture): Promise<void> {
  if ('capture' in opened) await opened.capture.close();
}

function openWinsock(peerPort: number | null): OpenedPlatform {
  startWinsock();
  const remote = peerPort === null ? null : new RemotePeers(peerPort);
  const platform = new BareWinsock(winsockTitle(), remote ?? new WinsockPeers());
  const watches = remote !== null && remote.hello.blind === '';
  return {
    platform,
    peer:
      remote === null ? 'plain non-blocking sockets of the same process' : `plain sockets on ${remote.hello.system}`,
    wire: watches ? remote : null,
    blind: remote === null ? 'no packets can be captured from here' : remote.hello.blind,
    close: async () => platform.destroy(),
  };
}

function winsockTitle(): PlatformTitle {
  const wine = wineVersion();
  if (wine !== null) return { system: 'wine', version: wine, interface: 'iocp' };
  // os.release() asks RtlGetVersion, which no manifest can make lie.
  return { system: 'windows', version: release(), interface: 'iocp' };
}
