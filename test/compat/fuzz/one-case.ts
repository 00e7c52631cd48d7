import net from 'node:net';
import type { DriverName } from '../../../src/index.js';
import { openProactor } from '../../../src/index.js';
import { chooseCarrier } from '../../../src/net/carrier.js';
import overlappedNet from '../../../src/net/index.js';
import type { Proactor } from '../../../src/port/proactor.js';
import type { NetModule } from '../scenario.js';
import { RESTLESS, World } from './player.js';
import type { Program } from './program.js';
import { quiet } from './quiet.js';

/** Turns of the event loop without an event: enough for a step's end, and more where a doubt is to be settled. */
const STILL = 6;
const STILL_IN_DOUBT = 40;
const ATTEMPTS = 3;
const SHOWN_BEFORE = 10;
const SHOWN_AFTER = 5;
/** Nobody listens there. */
const REFUSED_PORT = 1;

export interface Mismatch {
  readonly program: Program;
  /** The lines from the first one that differs, of node:net and of ours, and those before it that are alike. */
  readonly before: readonly string[];
  readonly theirs: readonly string[];
  readonly ours: readonly string[];
}

const oracle = net as NetModule;

export interface Run {
  readonly program: Program;
  /** Turns of the event loop without an event that end a step. */
  readonly still: number;
}

/** What is held against node:net. */
export interface Subject {
  readonly name: string;
  /** Whether its writes are over as soon as node:net's are. */
  readonly strict: boolean;
  play(run: Run): Promise<readonly string[]>;
}

export function playWith(module: NetModule, strict: boolean, { program, still }: Run): Promise<readonly string[]> {
  return new World(program, module, oracle, { still, strict, refusedPort: REFUSED_PORT }).play();
}

/** overlapped/net on a driver. */
export class DriverSubject implements Subject {
  readonly name: DriverName;
  readonly #proactor: Proactor;

  constructor(driver: DriverName) {
    this.name = driver;
    this.#proactor = openProactor({ driver });
  }

  /** io_uring takes the writes of a turn together at its end. */
  get strict(): boolean {
    return this.name !== 'io_uring';
  }

  /** The trace, and what has been left open. */
  async play(run: Run): Promise<readonly string[]> {
    const proactor = this.#proactor;
    chooseCarrier({ proactor });
    const open = () => proactor.driver.statistics().openSockets + proactor.outstanding;
    const before = open();
    const lines = await playWith(overlappedNet as unknown as NetModule, this.strict, run);
    await quiet(open, run.still);
    return open() === before ? lines : [...lines, `left open: ${open() - before}`];
  }

  destroy(): void {
    this.#proactor.destroy();
  }
}

export type Verdict = 'same' | 'racy' | Mismatch;

/**
 * Runs the program with node:net and with the subject. A difference counts where it is there each time, however long
 * the steps are waited for; where node:net differs from itself, the program says nothing about the subject.
 */
export async function compare(program: Program, subject: Subject): Promise<Verdict> {
  const { strict } = subject;
  const briefly = { program, still: STILL };
  const longer = { program, still: STILL_IN_DOUBT };
  let difference = compareTraces(program, await playWith(oracle, strict, briefly), await subject.play(briefly));
  for (let attempt = 1; attempt < ATTEMPTS && difference !== null; attempt++) {
    const theirs = await playWith(oracle, strict, longer);
    const again = await playWith(oracle, strict, briefly);
    if (isRestless(theirs) || compareTraces(program, theirs, again) !== null) return 'racy';
    difference = compareTraces(program, theirs, await subject.play(longer));
  }
  return difference ?? 'same';
}

/** Both traces as they are. */
export async function traces(
  program: Program,
  subject: Subject,
): Promise<Record<'theirs' | 'ours', readonly string[]>> {
  const run = { program, still: STILL };
  const theirs = await playWith(oracle, subject.strict, run);
  return { theirs, ours: await subject.play(run) };
}

/** A program that goes round for ever. */
function isRestless(lines: readonly string[]): boolean {
  return lines.some((line) => line.endsWith(RESTLESS));
}

function compareTraces(program: Program, theirs: readonly string[], ours: readonly string[]): Mismatch | null {
  const length = Math.max(theirs.length, ours.length);
  for (let i = 0; i < length; i++) {
    if (theirs[i] === ours[i]) continue;
    const before = theirs.slice(Math.max(i - SHOWN_BEFORE, 0), i);
    return { program, before, theirs: theirs.slice(i, i + SHOWN_AFTER), ours: ours.slice(i, i + SHOWN_AFTER) };
  }
  return null;
}
