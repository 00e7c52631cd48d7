import type { Driver } from '../port/driver.js';
import { SocketStateError } from '../port/errors.js';

/**
 * Received bytes where the kernel put them, lent until they are taken back: by `release`, or by the next iteration
 * of the loop that gave them. Sending a lent buffer copies nothing.
 */
export class LentBuffer {
  readonly #driver: Driver;
  #buffer = -1;
  #offset = 0;
  #length = 0;
  #bytes: Uint8Array | null = null;

  constructor(driver: Driver) {
    this.#driver = driver;
  }

  /** Bytes received; 0 once it is released. */
  get length(): number {
    return this.#length;
  }

  /**
   * The bytes. The view belongs to the driver: after the release it shows what others receive, so keep a copy, not the
   * view. Throws ERR_BUFFER_RELEASED after the release.
   */
  get bytes(): Uint8Array {
    this.#check();
    this.#bytes ??= this.#driver.lentBytes(this.#buffer, this.#offset, this.#length);
    return this.#bytes;
  }

  /** A copy that is the caller's to keep. */
  copy(): Buffer {
    return Buffer.from(this.bytes);
  }

  /** The bytes as text. */
  toString(encoding: BufferEncoding = 'utf8'): string {
    const { buffer, byteOffset, byteLength } = this.bytes;
    return Buffer.from(buffer, byteOffset, byteLength).toString(encoding);
  }

  get released(): boolean {
    return this.#buffer === -1;
  }

  /** Gives the memory back to the driver. A second call does nothing. */
  release(): void {
    if (this.#buffer === -1) return;
    const buffer = this.#buffer;
    this.#buffer = -1;
    this.#length = 0;
    this.#bytes = null;
    this.#driver.releaseLent(buffer);
  }

  /** For the library: takes over what a receive was lent. */
  assign(buffer: number, offset: number, length: number): void {
    this.#buffer = buffer;
    this.#offset = offset;
    this.#length = length;
  }

  /**
   * For the library: lets a send of the same driver's name the memory, which the operation retains until it has ended;
   * false where it is another driver's.
   */
  place(operation: { lentBuffer: number; lentOffset: number; lentLength: number }, driver: Driver): boolean {
    this.#check();
    if (driver !== this.#driver) return false;
    driver.retainLent(this.#buffer);
    operation.lentBuffer = this.#buffer;
    operation.lentOffset = this.#offset;
    operation.lentLength = this.#length;
    return true;
  }

  #check(): void {
    if (this.#buffer === -1) throw new SocketStateError('The lent buffer has been released', 'ERR_BUFFER_RELEASED');
  }
}
