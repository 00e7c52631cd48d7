import assert from 'node:assert/strict';
import { AbortError, OperationAbortedError, type TcpSocket, TimeoutError } from '../../src/index.js';
import { firstDifference, streamBytes } from '../support/random.js';
import { soon } from '../support/waiting.js';
import { joinRace, type Race } from './race.js';
import { HEAD_BYTES, receivedStream, sentStream } from './race-peer.js';

const LONGEST_TIMEOUT_MS = 4;
/** How far from a deadline the bytes are sent, at most. */
const SPREAD_MS = 1.5;
const LONGEST_SEND = 64;
const PATIENCE_MS = 60_000;

/** One connection after the other, each with receives, sends, timeouts, aborts and an end at random. */
export class Racer {
  readonly #race: Race;
  readonly #lane: number;

  constructor(race: Race, lane: number) {
    this.#race = race;
    this.#lane = lane;
  }

  async run(): Promise<void> {
    do {
      const id = this.#race.newId();
      const socket = await joinRace(this.#race);
      this.#race.tally.connections++;
      this.#race.moments[this.#lane] = 0;
      await new Lap(this.#race, socket, id, this.#lane).run();
    } while (this.#race.goesOn());
  }
}

/** One connection, from its first byte to its end. */
class Lap {
  readonly #race: Race;
  readonly #socket: TcpSocket;
  readonly #id: number;
  readonly #lane: number;
  #received = 0;
  #sent = 0;

  constructor(race: Race, socket: TcpSocket, id: number, lane: number) {
    this.#race = race;
    this.#socket = socket;
    this.#id = id;
    this.#lane = lane;
  }

  async run(): Promise<void> {
    const { random } = this.#race;
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeInt32LE(this.#id, 0);
    head.writeInt32LE(this.#lane, 4);
    await this.#socket.send(head);
    // A reset would destroy a head that the peer has not read yet, and nobody could tell whose connection that was.
    await this.#race.greetingOf(this.#id);
    while (this.#race.goesOn()) {
      if (random.chance(this.#race.closeRate)) return this.#endAnyhow();
      await soon(this.#step(), `connection ${this.#id} to go on`, PATIENCE_MS);
    }
    await this.#endWhole();
  }

  /** One to three receives at once, and now and then a send beside them. */
  async #step(): Promise<void> {
    const { random } = this.#race;
    const count = random.chance(0.15) ? 2 + random.below(2) : 1;
    const pending: Promise<void>[] = [];
    for (let i = 0; i < count; i++) pending.push(this.#receive());
    if (random.chance(0.2)) pending.push(this.#send());
    await Promise.all(pending);
  }

  async #receive(): Promise<void> {
    const { random, tally } = this.#race;
    tally.receives++;
    const timeoutMs = random.chance(0.05) ? 0 : random.next() * LONGEST_TIMEOUT_MS;
    const signal = random.chance(0.25) ? this.#abortSoon() : undefined;
    this.#aimAt(timeoutMs);
    const started = performance.now();
    try {
      const length = await this.#receiveSomehow({ timeoutMs, signal });
      tally.received++;
      tally.bytes += length;
    } catch (error) {
      if (error instanceof TimeoutError) {
        tally.timedOut++;
        const elapsed = performance.now() - started;
        assert.ok(elapsed >= timeoutMs, `a timeout of ${timeoutMs} ms came after ${elapsed}`);
      } else if (error instanceof AbortError) {
        tally.aborted++;
        assert.ok(signal?.aborted, 'an abort that nobody asked for');
      } else if (error instanceof OperationAbortedError) {
        tally.ended++;
        assert.notEqual(this.#socket.phase, 'open');
      } else throw error;
    }
  }

  /** Has the peer write around the moment when a timeout that begins now is over; now and then it stays silent. */
  #aimAt(timeoutMs: number): void {
    const { random, moments } = this.#race;
    if (moments[this.#lane] !== 0 || random.chance(0.2)) return;
    const offset = (random.next() * 2 - 1) * SPREAD_MS;
    moments[this.#lane] = performance.timeOrigin + performance.now() + timeoutMs + offset;
  }

  /** Receives into a buffer, or what is lent, or only waits; checks the bytes. */
  async #receiveSomehow(options: { timeoutMs: number; signal: AbortSignal | undefined }): Promise<number> {
    const { random } = this.#race;
    const kind = random.below(10);
    if (kind === 0) {
      await this.#socket.readable(options);
      return 0;
    }
    if (kind <= 3) {
      const lent = await this.#socket.recvLent(options);
      if (lent === null) return this.#streamEnded();
      const { length } = lent;
      this.#check(lent.bytes, length);
      lent.release();
      return length;
    }
    const buffer = new Uint8Array(1 + random.below(100));
    const length = await this.#socket.recv(buffer, options);
    if (length === 0) return this.#streamEnded();
    this.#check(buffer, length);
    return length;
  }

  /** Only once a close of ours has sent a FIN may the peer answer with its own, before the receives are cancelled. */
  #streamEnded(): number {
    assert.notEqual(this.#socket.phase, 'open', 'the stream has ended too soon');
    return 0;
  }

  #check(bytes: Uint8Array, length: number): void {
    const at = firstDifference(sentStream(this.#id), this.#received, bytes, length);
    assert.equal(at, -1, `connection ${this.#id}: byte ${this.#received + at} is not the stream's`);
    this.#received += length;
  }

  async #send(): Promise<void> {
    const { random, tally } = this.#race;
    const bytes = streamBytes(receivedStream(this.#id), this.#sent, 1 + random.below(LONGEST_SEND));
    tally.sends++;
    try {
      this.#sent += await this.#socket.send(bytes, { timeoutMs: random.chance(0.1) ? random.next() : 10_000 });
    } catch (error) {
      if (!(error instanceof TimeoutError) && !(error instanceof OperationAbortedError)) throw error;
      this.#sent += error.bytesTransferred;
    }
  }

  /** A signal that is aborted in this callback, or in one of the next milliseconds. */
  #abortSoon(): AbortSignal {
    const { random } = this.#race;
    const controller = new AbortController();
    const abort = () => controller.abort();
    const moment = random.below(8);
    if (moment === 0) queueMicrotask(abort);
    else if (moment === 1) process.nextTick(abort);
    else if (moment === 2) setImmediate(abort);
    else setTimeout(abort, moment - 2);
    return controller.signal;
  }

  /** Ends with everything in flight: what the peer got is the beginning of the stream. */
  async #endAnyhow(): Promise<void> {
    const { random } = this.#race;
    const pending = [this.#receive(), this.#receive(), this.#send()];
    if (random.chance(0.5)) await new Promise((resolve) => setTimeout(resolve, random.below(3)));
    const end = (['close', 'abort', 'closesocket'] as const)[random.below(3)] ?? 'close';
    await soon(this.#socket[end](), `${end}() of connection ${this.#id}`, PATIENCE_MS);
    await soon(Promise.all(pending), `what was pending at ${end}()`, PATIENCE_MS);
    const report = await this.#race.reportOf(this.#id);
    assert.equal(report.difference, -1, `the peer received a wrong byte ${report.difference}`);
    assert.ok(report.received <= this.#sent, `the peer received ${report.received} of ${this.#sent} bytes`);
    assert.ok(report.sent >= this.#received);
  }

  /** Ends both streams, and compares their lengths: nothing is lost at the end either. */
  async #endWhole(): Promise<void> {
    await this.#socket.shutdown('send');
    const buffer = new Uint8Array(4096);
    for (;;) {
      const length = await this.#socket.recv(buffer, { timeoutMs: 30_000 });
      if (length === 0) break;
      this.#check(buffer, length);
    }
    // Both ends have had their FIN: there is perhaps no connection left to end.
    assert.notEqual((await this.#socket.close()).sent, 'RST');
    const report = await this.#race.reportOf(this.#id);
    assert.equal(report.difference, -1);
    assert.equal(report.received, this.#sent, 'bytes that the peer received');
    assert.equal(report.sent, this.#received, 'bytes that the peer sent');
    assert.equal(report.ending, 'end');
  }
}
