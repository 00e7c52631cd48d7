/** Where text goes, and what it can do there. */
export interface Terminal {
  write(text: string): void;
  /** A terminal whose lines can be redrawn, rather than a file or a pipe. */
  readonly live: boolean;
  readonly paint: Paint;
  /** Columns of a live terminal; files have no width. */
  columns(): number;
}

export type Colour = 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold';
export type Paint = (colour: Colour, text: string) => string;

const CODES: Readonly<Record<Colour, readonly [number, number]>> = {
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
  dim: [2, 22],
  bold: [1, 22],
};

const plain: Paint = (_colour, text) => text;
const coloured: Paint = (colour, text) => `\u001B[${CODES[colour][0]}m${text}\u001B[${CODES[colour][1]}m`;

/** Standard output. Colours only on a terminal, and not against NO_COLOR (no-color.org), TERM=dumb or `--no-color`. */
export function standardTerminal(wantsColour: boolean): Terminal {
  const { stdout } = process;
  // Whoever read our output has gone, as `head` does. The run goes on, for its reports and its exit status.
  if (stdout.listenerCount('error') === 0) stdout.on('error', ignoreBrokenPipe);
  const dumb = process.env['TERM'] === 'dumb';
  const noColour = (process.env['NO_COLOR'] ?? '') !== '';
  return {
    write: (text) => void stdout.write(text),
    live: stdout.isTTY === true && !dumb,
    paint: wantsColour && stdout.isTTY === true && !dumb && !noColour ? coloured : plain,
    columns: () => Math.max(stdout.columns || 80, 40),
  };
}

function ignoreBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

/** Shortens to so many columns, with an ellipsis. */
export function clip(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, Math.max(columns - 1, 0))}…`;
}

export function pad(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(columns - text.length, 0));
}

export function formatDuration(durationMs: number): string {
  if (durationMs < 10) return `${durationMs.toFixed(1)} ms`;
  if (durationMs < 10_000) return `${Math.round(durationMs)} ms`;
  return `${(durationMs / 1000).toFixed(1)} s`;
}
