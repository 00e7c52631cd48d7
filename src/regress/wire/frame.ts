/** A link-layer frame as it was captured. */
export interface CapturedFrame {
  /** When it was on the wire: CLOCK_REALTIME, seconds since 1970 and nanoseconds of the second. */
  readonly seconds: number;
  readonly nanoseconds: number;
  /** The beginning of the frame, from the Ethernet header on; at most `SNAP_BYTES` of it. */
  readonly bytes: Uint8Array;
  /** How long the frame was. */
  readonly wireBytes: number;
}

/** Frames since the last look, and what the look says of all of them. */
export interface Taken {
  readonly frames: readonly CapturedFrame[];
  /** Frames that the kernel had no room for since the last look, and that nobody will see. */
  readonly dropped: number;
  /** What to take from CLOCK_REALTIME to be on the clock of `nowMs()`, in milliseconds. */
  readonly clockAheadMs: number;
}

/** Where frames come from: a packet socket of this process, or a capture service on the same machine. */
export interface FrameSource {
  /** Forgets what was captured and the ports that were asked for; from here on frames are kept. */
  begin(): Promise<void>;
  /** Captures TCP and UDP that goes to or comes from these ports too, from the moment the promise settles. */
  include(ports: readonly number[]): Promise<void>;
  /** Everything captured since the last call; frames that were handed to the kernel before it are in it. */
  take(): Promise<Taken>;
  close(): Promise<void>;
}

/** A frame's time on the clock of `nowMs()`. */
export function frameAtMs(frame: CapturedFrame, clockAheadMs: number): number {
  return frame.seconds * 1000 + frame.nanoseconds / 1e6 - clockAheadMs;
}
