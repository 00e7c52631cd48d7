import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CapturedFrame } from './frame.js';

/**
 * The classic capture file, with nanoseconds, that Wireshark and tcpdump open: draft-ietf-opsawg-pcap sections 4 and 5.
 * A file header, then a header and the kept bytes of each frame; here everything is little-endian.
 */

const MAGIC_NANOSECONDS = 0xa1b23c4d;
const VERSION_MAJOR = 2;
const VERSION_MINOR = 4;
const FILE_HEADER_BYTES = 24;
const FRAME_HEADER_BYTES = 16;
/** The longest frame that a reader has to expect; ours are cut shorter. */
const SNAP_LENGTH = 262_144;
/** https://www.tcpdump.org/linktypes.html: Linux's loopback interface has Ethernet headers. */
const LINKTYPE_ETHERNET = 1;

export function pcapOf(frames: readonly CapturedFrame[]): Uint8Array {
  const length = frames.reduce((total, frame) => total + FRAME_HEADER_BYTES + frame.bytes.length, FILE_HEADER_BYTES);
  const file = new Uint8Array(length);
  const view = new DataView(file.buffer);
  view.setUint32(0, MAGIC_NANOSECONDS, true);
  view.setUint16(4, VERSION_MAJOR, true);
  view.setUint16(6, VERSION_MINOR, true);
  // Two reserved fields of zeros.
  view.setUint32(16, SNAP_LENGTH, true);
  view.setUint32(20, LINKTYPE_ETHERNET, true);
  let at = FILE_HEADER_BYTES;
  for (const { seconds, nanoseconds, bytes, wireBytes } of frames) {
    view.setUint32(at, seconds, true);
    view.setUint32(at + 4, nanoseconds, true);
    view.setUint32(at + 8, bytes.length, true);
    view.setUint32(at + 12, wireBytes, true);
    file.set(bytes, at + FRAME_HEADER_BYTES);
    at += FRAME_HEADER_BYTES + bytes.length;
  }
  return file;
}

/** `close-fin.io_uring.pcap`: nothing in it that a file system could take amiss, whatever the id holds. */
export function pcapName(scenarioId: string, driver: string): string {
  const safe = (text: string) => text.replace(/[^A-Za-z0-9_]+/g, '-');
  return `${safe(scenarioId)}.${safe(driver)}.pcap`;
}

/** Makes the directory where it is missing. Throws the system's error where files cannot be written there. */
export function preparePcapDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true });
  accessSync(directory, constants.W_OK | constants.X_OK);
}

export function writePcap(directory: string, name: string, frames: readonly CapturedFrame[]): void {
  writeFileSync(join(directory, name), pcapOf(frames));
}
