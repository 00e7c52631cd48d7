import type { Proactor } from '../port/proactor.js';

/** A handle that has something to tell its socket. May throw what the program's listeners throw. */
export interface Delivery {
  deliver(): void;
}

/**
 * What completions brought, told in their order once the driver is done with its batch. A listener that throws is the
 * program's uncaught exception, and keeps no other socket from its events.
 */
export class Deliveries {
  #waiting: Delivery[] = [];
  #scheduled = false;

  add(delivery: Delivery): void {
    this.#waiting.push(delivery);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(this.#run);
  }

  readonly #run = (): void => {
    this.#scheduled = false;
    const batch = this.#waiting;
    this.#waiting = [];
    let next = 0;
    try {
      while (next < batch.length) {
        const delivery = batch[next++];
        delivery?.deliver();
      }
    } finally {
      if (next < batch.length) {
        this.#waiting = [...batch.slice(next), ...this.#waiting];
        this.#schedule();
      }
    }
  };
}

const queues = new WeakMap<Proactor, Deliveries>();

export function deliveriesOf(proactor: Proactor): Deliveries {
  let found = queues.get(proactor);
  if (found === undefined) {
    found = new Deliveries();
    queues.set(proactor, found);
  }
  return found;
}

let atTurnEnd: (() => void)[] = [];
let turnEndScheduled = false;

function runTurnEnd(): void {
  const callbacks = atTurnEnd;
  atTurnEnd = [];
  // Its place in the next turn is taken before a program's: what is begun from here ends before their immediates run.
  turnEndScheduled = callbacks.length > 0;
  if (turnEndScheduled) setImmediate(runTurnEnd);
  let next = 0;
  try {
    while (next < callbacks.length) callbacks[next++]?.();
  } finally {
    if (next < callbacks.length) atTurnEnd = [...callbacks.slice(next), ...atTurnEnd];
  }
}

/** Calls back when this turn of the event loop ends, where libuv calls those who closed a handle. */
export function whenTurnEnds(callback: () => void): void {
  atTurnEnd.push(callback);
  if (turnEndScheduled) return;
  turnEndScheduled = true;
  setImmediate(runTurnEnd);
}

/**
 * For what is over a little later, but keeps its place among what this turn of the event loop has begun: the function
 * that is given back says so, and the callback is called when the turn has ended too.
 */
export function fromTurnEndOn(callback: () => void): () => void {
  let turnHasEnded = false;
  let isOver = false;
  whenTurnEnds(() => {
    turnHasEnded = true;
    if (isOver) callback();
  });
  return () => {
    isOver = true;
    if (turnHasEnded) whenTurnEnds(callback);
  };
}
