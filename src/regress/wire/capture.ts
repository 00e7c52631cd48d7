import { EACCES, EPERM } from '../../../native-bindings/linux/errno.js';
import { hasPacketSockets } from '../../platform.js';
import { nowMs } from '../clock.js';
import { decodeFrame } from './decode.js';
import type { CapturedFrame, FrameSource, Taken } from './frame.js';
import { PacketSocket, PacketSocketError } from './packet-socket.js';
import { parseServiceAddress } from './protocol.js';
import { RemoteSource } from './remote.js';
import { hasPort, type Segment } from './segment.js';

/** What was on the wire between begin() and end(). */
export interface WireTrace {
  /** In the order in which they were on the wire; times are on the clock of `nowMs()`. */
  readonly segments: readonly Segment[];
  /** The frames of the segments, for a file: `frames[i]` is `segments[i]`. */
  readonly frames: readonly CapturedFrame[];
  /** Frames that were lost: with any of them, what is not in the trace may have been on the wire all the same. */
  readonly dropped: number;
}

/** How often the trace is looked at while something is awaited in it. */
const LOOK_EVERY_MS = 1;

/** Frames of one trace that are kept; those beyond are counted as dropped. */
const MAX_FRAMES = 200_000;

/**
 * Captures the loopback traffic of some ports. One trace at a time: `begin()`, `include(port)` for each listening or
 * bound port before anything is sent to it, `end()`.
 */
export class WireCapture {
  readonly #source: FrameSource;
  readonly #ports = new Set<number>();
  #frames: CapturedFrame[] = [];
  #segments: Segment[] = [];
  #dropped = 0;

  constructor(source: FrameSource) {
    this.#source = source;
  }

  async begin(): Promise<void> {
    this.#ports.clear();
    this.#frames = [];
    this.#segments = [];
    this.#dropped = 0;
    await this.#source.begin();
  }

  /** Both directions of everything that goes to or comes from these ports, from the moment the promise settles. */
  async include(...ports: readonly number[]): Promise<void> {
    const added = ports.filter((port) => !this.#ports.has(port));
    for (const port of added) this.#ports.add(port);
    if (added.length > 0) await this.#source.include(added);
  }

  /** What there is so far. */
  async look(): Promise<WireTrace> {
    this.#add(await this.#source.take());
    return { segments: this.#segments, frames: this.#frames, dropped: this.#dropped };
  }

  /** The whole trace. With `until`, waits for what that is true of, but not longer than `withinMs`. */
  async end(until: (trace: WireTrace) => boolean = () => true, withinMs = 0): Promise<WireTrace> {
    const giveUpAtMs = nowMs() + withinMs;
    let trace = await this.look();
    while (!until(trace) && nowMs() < giveUpAtMs) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      trace = await this.look();
    }
    return trace;
  }

  async close(): Promise<void> {
    await this.#source.close();
  }

  #add(taken: Taken): void {
    this.#dropped += taken.dropped;
    for (const frame of taken.frames) {
      const segment = decodeFrame(frame, taken.clockAheadMs);
      if (segment === null || !this.#isAskedFor(segment)) continue;
      if (this.#frames.length === MAX_FRAMES) this.#dropped++;
      else {
        this.#frames.push(frame);
        this.#segments.push(segment);
      }
    }
  }

  /** With very many ports the kernel does not filter, and the frames of other programs come too. */
  #isAskedFor(segment: Segment): boolean {
    return this.#ports.has(segment.source.port) || this.#ports.has(segment.destination.port);
  }
}

export type OpenedCapture = { readonly capture: WireCapture } | { readonly reason: string };

/**
 * Opens a capture of this machine's loopback packets, or says why there is none: it never throws for want of a
 * privilege or of a service. `service` is the address of a capture service; absent, this process captures for itself.
 */
export async function openCapture(service?: string): Promise<OpenedCapture> {
  const opened = service === undefined ? await openLocalSource() : await openRemoteSource(service);
  return 'source' in opened ? { capture: new WireCapture(opened.source) } : opened;
}

export type OpenedSource = { readonly source: FrameSource } | { readonly reason: string };

/** A packet socket of this process's, or why there is none. */
export async function openLocalSource(): Promise<OpenedSource> {
  if (!hasPacketSockets()) return { reason: 'packets can be captured on Linux only' };
  try {
    return { source: localSource(new PacketSocket()) };
  } catch (error) {
    if (!(error instanceof PacketSocketError)) throw error;
    return { reason: explain(error) };
  }
}

async function openRemoteSource(service: string): Promise<OpenedSource> {
  const address = parseServiceAddress(service);
  if (address === null) return { reason: 'that is not the address of a capture service' };
  try {
    return { source: await RemoteSource.open(address) };
  } catch (error) {
    return { reason: `the capture service: ${(error as Error).message}` };
  }
}

function explain({ call, errno, message }: PacketSocketError): string {
  if (errno !== EPERM && errno !== EACCES) return message;
  return `${call} is not permitted: it takes root, or the capability CAP_NET_RAW`;
}

function localSource(socket: PacketSocket): FrameSource {
  return {
    begin: async () => socket.begin(),
    include: async (ports) => socket.include(ports),
    take: async () => socket.take(),
    close: async () => socket.close(),
  };
}

/** The segments of one trace that have the port at one of their ends. */
export function segmentsOfPort(trace: WireTrace, port: number): readonly Segment[] {
  return trace.segments.filter((segment) => hasPort(segment, port));
}
