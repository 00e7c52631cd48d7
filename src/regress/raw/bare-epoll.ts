import { lastErrno } from '../../../native-bindings/ffi.js';
import * as c from '../../../native-bindings/linux/constants.js';
import * as ep from '../../../native-bindings/linux/epoll.js';
import { EAGAIN } from '../../../native-bindings/linux/errno.js';
import { mapAnonymousPages } from '../../../native-bindings/linux/pages.js';
import { MappedMemory } from '../../../native-bindings/memory.js';
import { libc } from '../../../native-bindings/posix/libc.js';
import { type BareConnection, BareError, type BareOutcome, type BarePlatform, type CellWay } from './bare-platform.js';
import { type BlockedReceive, BlockingThread } from './blocked-receive.js';
import type { SendAccount } from './cell.js';
import { MAX_SENDS, REAP_MS, RECEIVE_BYTES, SEND_BYTES, SETTLE_MS } from './limits.js';
import {
  checked,
  errnoCode,
  LinuxListener,
  type LinuxPair,
  setInteger,
  setLingerZero,
  unreadBytes,
  unsentBytes,
} from './linux-calls.js';
import { type Cell, CLOSE_WAYS, type Pending, STEPS } from './matrix.js';
import { becomesTrue } from './pause.js';

const EVENTS = 8;
const DATA_AT = SEND_BYTES;

const EVENT_NAMES = { EPOLLIN: ep.EPOLLIN, EPOLLOUT: ep.EPOLLOUT, EPOLLERR: ep.EPOLLERR, EPOLLHUP: ep.EPOLLHUP };

const NOTES = {
  registered: 'a level-triggered registration reports unread bytes and stays registered',
  lowWater: 'SO_RCVLOWAT above the unread bytes keeps the thread asleep in recv beside them',
  woken:
    'SO_RCVLOWAT keeps the thread asleep beside the unread bytes, until shutdown(SHUT_RD) wakes it, and it takes them',
} as const;

/** Linux' epoll(7), and a thread that blocks in recv(2): with readiness nothing else can be pending in the kernel. */
export class BareEpoll implements BarePlatform {
  readonly title;
  readonly closeWays = CLOSE_WAYS;
  readonly vocabulary = {
    pending: {
      none: 'nothing registered, no thread in a call',
      'recv-0': 'EPOLLIN registered',
      'recv-n': `a thread in recv(fd, ${RECEIVE_BYTES} bytes)`,
      send: 'EPOLLOUT registered, bytes in the send buffer',
    },
    close: {
      close: 'close(fd)',
      'cancel-close': 'EPOLL_CTL_DEL or shutdown(SHUT_RD), close(fd)',
      'cancel-reap-close': 'EPOLL_CTL_DEL or shutdown(SHUT_RD), recv returned, close(fd)',
      'shutdown-cancel-reap-close': 'shutdown(SHUT_WR), EPOLL_CTL_DEL or shutdown(SHUT_RD), recv returned, close(fd)',
      'shutdown-close': 'shutdown(SHUT_WR), close(fd)',
      'linger-close': 'SO_LINGER {1,0}, close(fd)',
    },
    unread: { empty: 'nothing unread', unread: 'unread data' },
    unended: { none: '', 'recv-0': 'no event', 'recv-n': 'does not return', send: 'no event' },
  };
  readonly thread = new BlockingThread();
  readonly #listener = new LinuxListener();
  readonly #epoll = checked('epoll_create1', ep.epoll().create1(ep.EPOLL_CLOEXEC));
  readonly #memory = MappedMemory.map(SEND_BYTES + EVENTS * ep.epoll_event.size, mapAnonymousPages);

  constructor(version: string) {
    this.title = { system: 'linux', version, interface: 'epoll' } as const;
  }

  wayOf({ pending, unread, close }: Cell): CellWay {
    if (unread === 'empty') return { applicable: true, unread: null, note: '' };
    if (pending === 'recv-n') {
      const note = STEPS[close].includes('cancel') ? NOTES.woken : NOTES.lowWater;
      return { applicable: true, unread: 'low-water', note };
    }
    return { applicable: true, unread: 'before', note: pending === 'recv-0' ? NOTES.registered : '' };
  }

  open(): BareConnection {
    return new EpollConnection(this, this.#listener.connect());
  }

  destroy(): void {
    this.#listener.close();
    libc().close(this.#epoll);
    void this.thread.end();
  }

  /** Memory for the bytes of any call: nobody looks at them. */
  get bytesAt(): number {
    return this.#memory.address(0);
  }

  control(operation: number, fd: number, events: number): void {
    const event = new Uint8Array(ep.epoll_event.size);
    const view = new DataView(event.buffer);
    view.setUint32(ep.epoll_event.offset.events, events, true);
    view.setUint32(ep.epoll_event.offset.data, fd, true);
    checked('epoll_ctl', ep.epoll().ctl(this.#epoll, operation, fd, event));
  }

  /** What epoll_wait reports of the descriptor; 0 for nothing. */
  eventsOf(fd: number): number {
    const at = DATA_AT;
    const count = checked('epoll_wait', ep.epoll().wait(this.#epoll, this.#memory.address(at), EVENTS, 0));
    for (let i = 0; i < count; i++) {
      const event = at + i * ep.epoll_event.size;
      const data = this.#memory.u32[(event + ep.epoll_event.offset.data) >> 2];
      if (data === fd) return this.#memory.u32[(event + ep.epoll_event.offset.events) >> 2] ?? 0;
    }
    return 0;
  }
}

class EpollConnection implements BareConnection {
  readonly localPort: number;
  readonly peer;
  readonly #platform: BareEpoll;
  /** The number stays with the registration after the close. */
  readonly #fd: number;
  #open = true;
  #pending: Pending = 'none';
  /** Of a registration: how it ended, as the events that were reported, or a removal. */
  #registration: 'registered' | 'removed' | number = 'registered';
  #receive: BlockedReceive | null = null;
  #sentBytes = 0;

  constructor(platform: BareEpoll, pair: LinuxPair) {
    this.#platform = platform;
    this.#fd = pair.fd;
    this.localPort = pair.localPort;
    this.peer = pair.peer;
  }

  /** What a non-blocking send takes lies in the send buffer: nothing else is pending. */
  get sends(): SendAccount | null {
    return this.#pending === 'send' ? { postedBytes: this.#sentBytes, takenBytes: this.#sentBytes } : null;
  }

  post(pending: Exclude<Pending, 'none'>): void {
    this.#pending = pending;
    switch (pending) {
      case 'recv-0':
        return this.#platform.control(ep.EPOLL_CTL_ADD, this.#fd, ep.EPOLLIN);
      case 'recv-n':
        this.#receive = this.#platform.thread.start(this.#fd, this.#platform.bytesAt, RECEIVE_BYTES);
        return;
      case 'send':
        this.#fill();
        return this.#platform.control(ep.EPOLL_CTL_ADD, this.#fd, ep.EPOLLOUT);
    }
  }

  setLowWater(bytes: number): void {
    setInteger(this.#fd, c.SO_RCVLOWAT, bytes);
  }

  pendingProblem(): string {
    switch (this.#pending) {
      case 'none':
        return '';
      case 'recv-n':
        return this.#receive?.sleepingProblem() ?? 'no thread was started';
      case 'recv-0': {
        const expected = this.unreadBytes() > 0 ? ep.EPOLLIN : 0;
        const events = this.#platform.eventsOf(this.#fd);
        return events === expected ? '' : `epoll_wait reports ${eventNames(events) || 'nothing'}`;
      }
      case 'send': {
        if (unsentBytes(this.#fd) === 0) return 'the send buffer is empty';
        const events = this.#platform.eventsOf(this.#fd);
        return events === 0 ? '' : `epoll_wait reports ${eventNames(events)}`;
      }
    }
  }

  unreadBytes(): number {
    return unreadBytes(this.#fd);
  }

  shutdownSend(): void {
    checked('shutdown', libc().shutdown(this.#fd, c.SHUT_WR));
  }

  lingerZero(): void {
    setLingerZero(this.#fd);
  }

  /** epoll forgets a registration at once. A call that blocks ends only if something happens on its socket. */
  cancel(): void {
    if (this.#receive !== null) checked('shutdown', libc().shutdown(this.#fd, c.SHUT_RD));
    else if (this.#pending !== 'none') {
      this.#platform.control(ep.EPOLL_CTL_DEL, this.#fd, 0);
      this.#registration = 'removed';
    }
  }

  reap(withinMs: number): boolean {
    if (this.#receive !== null) return this.#receive.wait(withinMs);
    if (this.#pending === 'none' || this.#registration !== 'registered') return true;
    return becomesTrue(withinMs, () => {
      const events = this.#platform.eventsOf(this.#fd);
      if (events !== 0) this.#registration = events;
      return events !== 0;
    });
  }

  close(way: 'close' | 'op-close'): void {
    if (way !== 'close') throw new BareError(way, 'not a way of this platform');
    this.#open = false;
    checked('close', libc().close(this.#fd));
  }

  outcomes(): readonly BareOutcome[] {
    if (this.#pending === 'none') return [];
    const common = { call: this.#platform.vocabulary.pending[this.#pending], status: null };
    if (this.#receive !== null) {
      const { result } = this.#receive;
      const failed = result !== null && result < 0 ? -result : 0;
      const code = failed === 0 ? '' : errnoCode(failed);
      return [{ ...common, over: result !== null, code, nativeCode: failed, bytes: Math.max(result ?? 0, 0) }];
    }
    const state = this.#registration;
    if (state === 'registered') return [{ ...common, over: false, code: '', nativeCode: 0, bytes: 0 }];
    if (state === 'removed') return [{ ...common, over: true, code: 'removed', nativeCode: 0, bytes: 0 }];
    return [{ ...common, over: true, code: eventNames(state), nativeCode: state, bytes: 0 }];
  }

  destroy(): void {
    this.peer.close();
    if (this.#open) libc().close(this.#fd);
    this.#open = false;
    // The peer's end is gone, so recv has returned, or is about to.
    if (this.#receive?.wait(REAP_MS) === false) throw new BareError('recv', 'outlives its connection');
  }

  /** Sends until the system takes no more, and takes none after a while either. */
  #fill(): void {
    for (let i = 0; i < MAX_SENDS; i++) {
      const flags = c.MSG_DONTWAIT | c.MSG_NOSIGNAL;
      const sent = libc().sendAt(this.#fd, this.#platform.bytesAt, SEND_BYTES, flags);
      if (sent >= 0) {
        this.#sentBytes += sent;
        continue;
      }
      const failed = lastErrno();
      if (failed !== EAGAIN) throw new BareError('send', errnoCode(failed));
      if (!becomesTrue(SETTLE_MS, () => this.#takesMore())) return;
    }
  }

  #takesMore(): boolean {
    const sent = libc().sendAt(this.#fd, this.#platform.bytesAt, 1, c.MSG_DONTWAIT | c.MSG_NOSIGNAL);
    if (sent > 0) this.#sentBytes += sent;
    return sent > 0;
  }
}

function eventNames(events: number): string {
  return Object.entries(EVENT_NAMES)
    .filter(([, bit]) => (events & bit) !== 0)
    .map(([name]) => name)
    .join('|');
}
