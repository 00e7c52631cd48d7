import { AbortError, InvalidArgumentError } from '../port/errors.js';
import { MAX_TIMEOUT_MS } from '../port/limits.js';
import { kind, type SelectOptions, type Subjects } from './subjects.js';

/** While sockets may be received from ahead, the descriptors are asked for no longer than this at once. */
const FIRST_SLICE_MS = 1;
const LONGEST_SLICE_MS = 8;

/** A poll or a select, ready to be asked as often as it takes. */
export interface Question<T> {
  readonly subjects: Subjects;
  readonly descriptors: Iterable<number>;
  /** Asks for as long as this may take; undefined where nothing is ready. Throws SystemError. */
  ask(timeoutMs: number): T | undefined;
  /** The answer once the time is over. */
  nothing(): T;
}

/** What the promise forms take besides. */
export interface AsyncSelectOptions extends SelectOptions {
  /** Aborting it ends the wait with an AbortError. */
  readonly signal?: AbortSignal | undefined;
}

/** Blocks the calling thread until there is an answer. */
export function answerSync<T>(question: Question<T>, timeoutMs: number): T {
  const { subjects } = question;
  if (!subjects.readsAhead) return question.ask(timeoutMs) ?? question.nothing();
  const end = performance.now() + timeoutMs;
  let remaining = timeoutMs;
  let sliceMs = FIRST_SLICE_MS;
  for (;;) {
    subjects.takeIn();
    const answer = question.ask(Math.min(remaining, sliceMs));
    if (answer !== undefined) return answer;
    if (remaining <= sliceMs) return question.nothing();
    sliceMs = Math.min(sliceMs * 2, LONGEST_SLICE_MS);
    remaining = Math.max(0, end - performance.now());
  }
}

/** Waits without blocking: between looks the host's event loop is free. */
export function answer<T>(question: Question<T>, timeoutMs: number, signal: AbortSignal | undefined): Promise<T> {
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new InvalidArgumentError(`signal must be an AbortSignal, and not ${kind(signal)}`);
  }
  if (signal?.aborted) throw aborted(signal);
  const found = question.ask(0);
  if (found !== undefined) return Promise.resolve(found);
  if (timeoutMs <= 0) return Promise.resolve(question.nothing());
  return new Promise<T>((resolve, reject) => {
    new Waiting(question, timeoutMs, signal, resolve, reject).start();
  });
}

/** One promise that waits. */
class Waiting<T> {
  readonly #question: Question<T>;
  readonly #end: number;
  readonly #signal: AbortSignal | undefined;
  readonly #resolve: (answer: T) => void;
  readonly #reject: (error: unknown) => void;
  readonly #undo: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #aheadTimer: NodeJS.Timeout | undefined;
  #aheadMs = FIRST_SLICE_MS;
  #ended = false;
  readonly #look = () => {
    this.#ask();
  };

  constructor(
    question: Question<T>,
    timeoutMs: number,
    signal: AbortSignal | undefined,
    resolve: (answer: T) => void,
    reject: (error: unknown) => void,
  ) {
    this.#question = question;
    this.#end = performance.now() + timeoutMs;
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(): void {
    const { subjects, descriptors } = this.#question;
    const watch = subjects.stack.watch(descriptors, this.#look);
    this.#undo.push(() => watch.close());
    for (const socket of subjects.sockets) this.#undo.push(socket.onceClosing(this.#look));
    const signal = this.#signal;
    if (signal !== undefined) {
      const onAbort = () => this.#fail(aborted(signal));
      signal.addEventListener('abort', onAbort, { once: true });
      this.#undo.push(() => signal.removeEventListener('abort', onAbort));
    }
    if (subjects.readsAhead) this.#lookAhead();
    this.#armTimer();
  }

  #ask(): boolean {
    if (this.#ended) return true;
    try {
      const found = this.#question.ask(0);
      if (found !== undefined) this.#settle(() => this.#resolve(found));
    } catch (error) {
      this.#fail(error);
    }
    return this.#ended;
  }

  /** The ring takes bytes before the descriptor shows them: what it has taken is looked for by timers. */
  #lookAhead(): void {
    this.#aheadTimer = setTimeout(() => {
      if (this.#ask()) return;
      this.#aheadMs = Math.min(this.#aheadMs * 2, LONGEST_SLICE_MS);
      this.#lookAhead();
    }, this.#aheadMs);
  }

  #armTimer(): void {
    if (this.#end === Number.POSITIVE_INFINITY) return;
    const restMs = Math.min(Math.ceil(this.#end - performance.now()), MAX_TIMEOUT_MS);
    this.#timer = setTimeout(
      () => {
        if (performance.now() < this.#end) return this.#armTimer();
        if (!this.#ask()) this.#settle(() => this.#resolve(this.#question.nothing()));
      },
      Math.max(restMs, 1),
    );
  }

  #fail(error: unknown): void {
    this.#settle(() => this.#reject(error));
  }

  #settle(settle: () => void): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#aheadTimer);
    for (const undo of this.#undo) undo();
    settle();
  }
}

function aborted(signal: AbortSignal): AbortError {
  return new AbortError('The wait was aborted by its signal', signal.reason, 0);
}
