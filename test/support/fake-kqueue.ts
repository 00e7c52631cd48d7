import type { FunctionType, NativeCall, NativeValue, StackLibrary } from '../../src/bsd/library/library.js';
import type { StackProfile } from '../../src/bsd/profile/profile.js';
import { E, FakeWaitStack } from './fake-wait-stack.js';

/** Numbers of nobody's, so that nothing passes by being macOS's. */
export const K = {
  EVFILT_READ: -5,
  EVFILT_WRITE: -9,
  EV_ADD: 0x0100,
  EV_DELETE: 0x0200,
  EV_ONESHOT: 0x0400,
  EV_EOF: 0x8000,
  EV_ERROR: 0x0800,
} as const;

const SIZE = 40;

/** A kevent as it stands in memory: big-endian { u64 udata; u32 fflags; u64 data; u16 filter; u16 flags; u64 ident }. */
export interface Kevent {
  readonly ident: number;
  readonly filter: number;
  readonly flags: number;
  readonly fflags?: number;
  readonly data?: number;
  readonly udata?: number;
}

/** One call of kevent, as it was made. */
export interface KeventCall {
  readonly kqueue: number;
  readonly changes: readonly Kevent[];
  readonly room: number;
  /** In nanoseconds; null for ever. */
  readonly timeout: number | null;
}

/** A kqueue of which a test writes every report by hand. */
export class FakeKqueue implements StackLibrary {
  readonly name = 'fake kqueue';
  readonly calls: KeventCall[] = [];
  readonly closed: number[] = [];
  /** What kqueue() gives. */
  descriptor = 77;
  /** What the next calls bring, or fail with. Where nothing is left, they bring nothing. */
  readonly answers: (readonly Kevent[] | { readonly fails: number })[] = [];
  #errno = 0;

  find(symbol: string, _type: FunctionType): NativeCall | null {
    const calls: Readonly<Record<string, NativeCall>> = {
      fake_kqueue: () => this.descriptor,
      fake_kevent: (...values) => this.#kevent(values),
      fake_close: (descriptor) => {
        this.closed.push(descriptor as number);
        return 0;
      },
    };
    return calls[symbol] ?? null;
  }

  lastErrno(): number {
    return this.#errno;
  }

  readInt32(): number {
    throw new Error('The fake stack has no errno of its own');
  }

  profile(): StackProfile {
    const base = new FakeWaitStack().profile([]);
    return {
      ...base,
      symbols: { kqueue: 'fake_kqueue', kevent: 'fake_kevent', close: 'fake_close' },
      constants: { ...base.constants, kqueue: K },
      layouts: {
        ...base.layouts,
        kevent: {
          size: SIZE,
          udata: [0, 8],
          fflags: [8, 4],
          data: [12, 8],
          filter: [20, 2],
          flags: [22, 2],
          ident: [24, 8],
        },
        timespec: { size: 12, nanoseconds: [0, 4], seconds: [4, 8] },
      },
      waits: ['kqueue'],
    };
  }

  #kevent([kqueue, changes, changeCount, events, room, timeout]: NativeValue[]): number {
    const time = timeout === null ? null : viewOf(timeout);
    this.calls.push({
      kqueue: kqueue as number,
      changes: Array.from({ length: changeCount as number }, (_, i) => readKevent(viewOf(changes), i * SIZE)),
      room: room as number,
      timeout: time && Number(time.getBigInt64(4)) * 1e9 + time.getInt32(0),
    });
    const answer = this.answers.shift() ?? [];
    if ('fails' in answer) {
      this.#errno = answer.fails;
      return -1;
    }
    answer.forEach((event, i) => {
      writeKevent(viewOf(events), i * SIZE, event);
    });
    return answer.length;
  }
}

/** The error numbers of the fake stack. */
export { E };

function readKevent(view: DataView, at: number): Kevent {
  return {
    ident: Number(view.getBigUint64(at + 24)),
    filter: view.getInt16(at + 20),
    flags: view.getUint16(at + 22),
    udata: Number(view.getBigUint64(at)),
  };
}

function writeKevent(view: DataView, at: number, { ident, filter, flags, fflags, data, udata }: Kevent): void {
  view.setBigUint64(at + 24, BigInt(ident));
  view.setInt16(at + 20, filter);
  view.setUint16(at + 22, flags);
  view.setUint32(at + 8, fflags ?? 0);
  view.setBigInt64(at + 12, BigInt(data ?? 0));
  view.setBigUint64(at, BigInt(udata ?? 0));
}

function viewOf(memory: NativeValue | undefined): DataView {
  if (!(memory instanceof Uint8Array)) throw new Error('Memory was expected');
  return new DataView(memory.buffer, memory.byteOffset, memory.byteLength);
}
