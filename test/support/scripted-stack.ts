import { StackCalls } from '../../src/bsd/library/calls.js';
import { NormalisedStack } from '../../src/bsd/normalised/stack.js';
import { PendingErrors } from '../../src/bsd/waiting/pending-errors.js';
import { javascriptLibrary, LINUX, type NativeCall, type StackProfile, validateProfile } from '../../src/stack.js';

/** What a scripted call does: a result, or -1 and an errno. */
export class Script {
  errno = 0;
  /** Every call that was made: its name and its arguments, memory as a copy. */
  readonly calls: (readonly [name: string, ...values: unknown[]])[] = [];
  readonly #functions: Record<string, NativeCall>;

  constructor(functions: Readonly<Record<string, NativeCall>>) {
    this.#functions = { ...DEFAULTS, ...functions };
  }

  fails(errno: number): number {
    this.errno = errno;
    return -1;
  }

  /** The arguments of the calls of this name, in order. */
  of(name: string): readonly (readonly unknown[])[] {
    return this.calls.filter(([called]) => called === name).map(([, ...values]) => values);
  }

  library() {
    const recorded = Object.entries(this.#functions).map(([name, call]) => {
      const record: NativeCall = (...values) => {
        this.calls.push([name, ...values.map((value) => (value instanceof Uint8Array ? [...value] : value))]);
        return call(...values);
      };
      return [name, record] as const;
    });
    return javascriptLibrary('a script', Object.fromEntries(recorded), { lastErrno: () => this.errno });
  }
}

const DEFAULTS: Readonly<Record<string, NativeCall>> = {
  socket: () => 3,
  bind: () => 0,
  listen: () => 0,
  accept: () => 4,
  connect: () => 0,
  recv: () => 0,
  send: (_descriptor, _source, length) => length as number,
  recvfrom: () => 0,
  sendto: (_descriptor, _source, length) => length as number,
  shutdown: () => 0,
  close: () => 0,
  getsockopt: () => 0,
  setsockopt: () => 0,
  getsockname: () => 0,
  getpeername: () => 0,
  fcntl: () => 0,
  ioctl: () => 0,
  poll: () => 0,
  select: () => 0,
};

/** The Linux profile on scripted functions, with these changes. */
export function scriptedProfile(changes: Partial<StackProfile> = {}): StackProfile {
  const symbols = Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, name]));
  return validateProfile({ ...LINUX, name: 'scripted', symbols, waits: ['poll', 'select'], ...changes });
}

export interface ScriptedStack {
  readonly script: Script;
  readonly stack: NormalisedStack;
  readonly pending: PendingErrors;
}

/** A normalised stack whose functions are these. */
export function scriptedStack(
  functions: (script: () => Script) => Readonly<Record<string, NativeCall>> = () => ({}),
  changes: Partial<StackProfile> = {},
): ScriptedStack {
  const script: Script = new Script(functions(() => script));
  const pending = new PendingErrors();
  const stack = new NormalisedStack(new StackCalls(scriptedProfile(changes), script.library()), pending);
  return { script, stack, pending };
}
