import net from 'node:net';
import type { DriverName } from '../../../src/index.js';
import { openProactor } from '../../../src/index.js';
import { chooseCarrier } from '../../../src/net/carrier.js';
import overlappedNet from '../../../src/net/index.js';
import type { Proactor } from '../../../src/port/proactor.js';
import type { NetModule } from '../scenario.js';
import { World } from './player.js';
import type { Program } from './program.js';
import { quiet } from './quiet.js';

/** Turns of the event loop without an event: enough for a step's end, and more where a doubt is to be settled. */
const STILL = 6;
const STILL_IN_DOUBT = 40;
const ATTEMPTS = 3;
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
const subject = overlappedNet as unknown as NetModule;

interface Run {
  readonly program: Program;
  readonly strict: boolean;
}

function playOn(module: NetModule, { program, strict }: Run, still: number): Promise<readonly string[]> {
  return new World(program, module, oracle, { still, strict, refusedPort: REFUSED_PORT }).play();
}

async function playOurs(proactor: Proactor, run: Run, still: number): Promise<readonly string[]> {
  chooseCarrier({ proactor });
  const before = proactor.driver.statistics().openSockets + proactor.outstanding;
  const lines = await playOn(subject, run, still);
  const left = () => proactor.driver.statistics().openSockets + proactor.outstanding - before;
  await quiet(left, still);
  return left() === 0 ? lines : [...lines, `left open: ${left()}`];
}

/** A driver that the programs are run on. */
export class Subject {
  readonly driver: DriverName;
  readonly #proactor: Proactor;

  constructor(driver: DriverName) {
    this.driver = driver;
    this.#proactor = openProactor({ driver });
  }

  /**
   * Runs the program with node:net and with ours. A difference counts where it is there each time, however long the
   * steps are waited for; where node:net differs from itself, the program says nothing about ours.
   */
  async compare(program: Program): Promise<Verdict> {
    const run = { program, strict: this.#strict };
    let difference = compareTraces(run, await playOn(oracle, run, STILL), await playOurs(this.#proactor, run, STILL));
    for (let attempt = 1; attempt < ATTEMPTS && difference !== null; attempt++) {
      const theirs = await playOn(oracle, run, STILL_IN_DOUBT);
      const again = await playOn(oracle, run, STILL);
      if (compareTraces(run, theirs, again) !== null) return 'racy';
      difference = compareTraces(run, theirs, await playOurs(this.#proactor, run, STILL_IN_DOUBT));
    }
    return difference ?? 'same';
  }

  async traces(program: Program): Promise<{ theirs: readonly string[]; ours: readonly string[] }> {
    const run = { program, strict: this.#strict };
    const theirs = await playOn(oracle, run, STILL);
    return { theirs, ours: await playOurs(this.#proactor, run, STILL) };
  }

  destroy(): void {
    this.#proactor.destroy();
  }

  /** io_uring takes the writes of a turn together at its end. */
  get #strict(): boolean {
    return this.driver !== 'io_uring';
  }
}

export type Verdict = 'same' | 'racy' | Mismatch;

const SHOWN_BEFORE = 10;
const SHOWN_AFTER = 5;

function compareTraces({ program }: Run, theirs: readonly string[], ours: readonly string[]): Mismatch | null {
  const length = Math.max(theirs.length, ours.length);
  for (let i = 0; i < length; i++) {
    if (theirs[i] === ours[i]) continue;
    const before = theirs.slice(Math.max(i - SHOWN_BEFORE, 0), i);
    return { program, before, theirs: theirs.slice(i, i + SHOWN_AFTER), ours: ours.slice(i, i + SHOWN_AFTER) };
  }
  return null;
}
