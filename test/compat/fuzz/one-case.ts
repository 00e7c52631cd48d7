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

function run(program: Program, module: NetModule, still: number): Promise<readonly string[]> {
  return new World(program, module, oracle, { still, refusedPort: REFUSED_PORT }).play();
}

async function runOn(proactor: Proactor, program: Program, still: number): Promise<readonly string[]> {
  chooseCarrier({ proactor });
  const lines = await run(program, subject, still);
  const left = () => proactor.driver.statistics().openSockets + proactor.outstanding;
  await quiet(left, still);
  return left() === 0 ? lines : [...lines, `left open: ${left()}`];
}

/** Proactors for a run of many programs. */
export class Subjects {
  readonly #proactors = new Map<DriverName, Proactor>();

  proactor(driver: DriverName): Proactor {
    const found = this.#proactors.get(driver) ?? openProactor({ driver });
    this.#proactors.set(driver, found);
    return found;
  }

  destroy(): void {
    for (const proactor of this.#proactors.values()) proactor.destroy();
    this.#proactors.clear();
  }
}

export type Verdict = 'same' | 'racy' | Mismatch;

/**
 * Runs the program with node:net and with ours. A difference counts where it is there each time, however long the
 * steps are waited for; where node:net differs from itself, the program says nothing about ours.
 */
export async function compare(program: Program, proactor: Proactor): Promise<Verdict> {
  let difference = compareTraces(program, await run(program, oracle, STILL), await runOn(proactor, program, STILL));
  for (let attempt = 1; attempt < ATTEMPTS && difference !== null; attempt++) {
    const theirs = await run(program, oracle, STILL_IN_DOUBT);
    const again = await run(program, oracle, STILL);
    if (compareTraces(program, theirs, again) !== null) return 'racy';
    difference = compareTraces(program, theirs, await runOn(proactor, program, STILL_IN_DOUBT));
  }
  return difference ?? 'same';
}

const SHOWN_BEFORE = 10;
const SHOWN_AFTER = 5;

export function compareTraces(program: Program, theirs: readonly string[], ours: readonly string[]): Mismatch | null {
  const length = Math.max(theirs.length, ours.length);
  for (let i = 0; i < length; i++) {
    if (theirs[i] === ours[i]) continue;
    const before = theirs.slice(Math.max(i - SHOWN_BEFORE, 0), i);
    return { program, before, theirs: theirs.slice(i, i + SHOWN_AFTER), ours: ours.slice(i, i + SHOWN_AFTER) };
  }
  return null;
}

export function playWithNode(program: Program): Promise<readonly string[]> {
  return run(program, oracle, STILL);
}

export function playWithOurs(program: Program, proactor: Proactor): Promise<readonly string[]> {
  return runOn(proactor, program, STILL);
}
