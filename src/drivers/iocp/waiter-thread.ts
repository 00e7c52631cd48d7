import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { kernel32 } from '../../../native-bindings/windows/kernel32.js';
import { WAIT_TIMEOUT } from '../../../native-bindings/windows/winerror.js';
import {
  WAITER_LEAVING,
  WAITER_STATE,
  WAITER_WATCHING,
  type WaiterData,
  type WaiterMessage,
  type WaiterPort,
  waiterSteps,
} from './waiter-protocol.js';

/** Waits on completion ports, so that the event loop of the other thread need not. */
class WaitingThread {
  readonly #owner: MessagePort;
  readonly #words: Int32Array;
  readonly #timeoutMs: number;
  readonly #calls = kernel32();
  #port: WaiterPort | null = null;

  constructor(owner: MessagePort, { control, timeoutMs }: WaiterData) {
    this.#owner = owner;
    this.#words = new Int32Array(control);
    this.#timeoutMs = timeoutMs;
  }

  run(): never {
    this.#tell('up');
    for (;;) {
      const state = waiterSteps.look(this.#words);
      switch (state) {
        case WAITER_WATCHING:
          this.#wait();
          break;
        case WAITER_LEAVING:
          this.#port = null;
          // The port may never have been waited on, and then its message lies there still.
          while (receiveMessageOnPort(this.#owner) !== undefined);
          waiterSteps.leave(this.#words);
          this.#tell('left');
          break;
        default:
          Atomics.wait(this.#words, WAITER_STATE, state);
      }
    }
  }

  #wait(): void {
    this.#port ??= (receiveMessageOnPort(this.#owner)?.message as WaiterPort | undefined) ?? null;
    if (this.#port === null) throw new Error('The waiting thread has no port to wait on');
    const { port, entries, capacity, removed } = this.#port;
    const got = this.#calls.GetQueuedCompletionStatusEx(port, entries, capacity, removed, this.#timeoutMs, 0);
    if (got === 0) {
      const error = this.#calls.GetLastError();
      if (error === WAIT_TIMEOUT) return;
      throw new Error(`Cannot wait on the completion port: error ${error}`);
    }
    if (waiterSteps.deliver(this.#words)) this.#tell('delivered');
  }

  #tell(message: WaiterMessage): void {
    this.#owner.postMessage(message);
  }
}

if (parentPort !== null) new WaitingThread(parentPort, workerData as WaiterData).run();
