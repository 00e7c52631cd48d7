import { BareError, type BarePlatform } from './bare-platform.js';
import { type CellResult, groupRuns, type RunOutcome } from './cell.js';
import { ATTEMPTS_PER_RUN } from './limits.js';
import type { Cell } from './matrix.js';
import { NotReached, runCell } from './observe.js';
import type { WireWatch } from './wire-watch.js';

export interface Characterisation {
  readonly platform: BarePlatform;
  readonly cells: readonly Cell[];
  readonly repeat: number;
  /** Null where the packets cannot be seen. */
  readonly wire: WireWatch | null;
  /** Takes the packets of each run as a capture file, where they are wanted and can be seen. */
  readonly keepPackets?: ((cell: Cell, run: number, pcap: Uint8Array) => void) | undefined;
  readonly onCell: (cell: Cell, result: CellResult) => void;
}

/** Runs every cell so many times, one after the other. */
export async function characterise(options: Characterisation): Promise<CellResult[]> {
  const results: CellResult[] = [];
  for (const cell of options.cells) {
    const result = await characteriseCell(options, cell);
    results.push(result);
    options.onCell(cell, result);
  }
  return results;
}

async function characteriseCell(options: Characterisation, cell: Cell): Promise<CellResult> {
  const { platform, repeat, wire, keepPackets } = options;
  const way = platform.wayOf(cell);
  if (!way.applicable) return { ...cell, status: 'not-applicable', note: way.note, outcomes: [] };
  const runs: RunOutcome[] = [];
  const problems: string[] = [];
  let attempts = 0;
  for (; runs.length < repeat && attempts < repeat * ATTEMPTS_PER_RUN; attempts++) {
    try {
      const run = runs.length + 1;
      const keep = keepPackets === undefined ? null : (pcap: Uint8Array) => keepPackets(cell, run, pcap);
      runs.push(await runCell(platform, cell, way, wire, keep));
    } catch (error) {
      if (!(error instanceof NotReached) && !(error instanceof BareError)) throw error;
      problems.push(error.message);
    }
  }
  const outcomes = groupRuns(runs);
  if (problems.length === 0) return { ...cell, status: 'measured', note: way.note, outcomes };
  const missed = `${problems.length} of ${attempts} attempts did not get there: ${problems[0]}`;
  return {
    ...cell,
    status: runs.length < repeat ? 'not-reached' : 'measured',
    note: joined(way.note, missed),
    outcomes,
  };
}

function joined(note: string, more: string): string {
  return note === '' ? more : `${note}; ${more}`;
}
