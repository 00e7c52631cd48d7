import type { DriverName } from '../port/driver.js';
import { nowMs } from './clock.js';
import type { RunObserver, ScenarioResult } from './runner.js';
import { groupOf, type Scenario } from './scenario.js';
import { type Colour, clip, formatDuration, pad, type Terminal } from './terminal.js';
import { wrap } from './text.js';
import { describePeerView } from './trace.js';

/** How a run is shown while it goes on. */
export interface Progress extends RunObserver {
  /** Takes back what was only for the moment. */
  end(): void;
}

export function progressOn(
  terminal: Terminal,
  scenarios: readonly Scenario[],
  drivers: readonly DriverName[],
): Progress {
  return terminal.live
    ? new LiveProgress(terminal, scenarios, drivers)
    : new PlainProgress(terminal, scenarios, drivers);
}

/** One line a result: for logs and files. */
class PlainProgress implements Progress {
  readonly #terminal: Terminal;
  readonly #idColumns: number;
  readonly #driverColumns: number;

  constructor(terminal: Terminal, scenarios: readonly Scenario[], drivers: readonly DriverName[]) {
    this.#terminal = terminal;
    this.#idColumns = longest(scenarios.map((scenario) => scenario.id));
    this.#driverColumns = longest(drivers);
  }

  started(): void {}

  finished(result: ScenarioResult): void {
    const { scenario, driver, status, failure } = result;
    const word = status === 'fail' ? 'FAIL' : status;
    const duration = formatDuration(result.durationMs).padStart(8);
    const names = `${pad(driver, this.#driverColumns)}  ${pad(scenario.id, this.#idColumns)}`;
    this.#terminal.write(`${word}  ${names}  ${duration}  peer saw: ${describePeerView(result.peer)}\n`);
    if (failure === null) return;
    const lines = status === 'skip' ? [`      ${failure.saw}`] : failureLines(failure).map((line) => `      ${line}`);
    this.#terminal.write(`${lines.join('\n')}\n`);
  }

  end(): void {}
}

const SPINNER = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const REDRAW_EVERY_MS = 80;
const CELL_COLUMNS = 11;

/** A table that grows row by row; the row at work and a bar below it are redrawn in place. */
class LiveProgress implements Progress {
  readonly #terminal: Terminal;
  readonly #drivers: readonly DriverName[];
  readonly #total: number;
  readonly #idColumns: number;
  readonly #startedAtMs = nowMs();
  readonly #row = new Map<DriverName, ScenarioResult>();
  #group = '';
  #scenario: Scenario | null = null;
  #driver: DriverName | null = null;
  #finished = 0;
  #failed = 0;
  #drawnLines = 0;
  #tick = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(terminal: Terminal, scenarios: readonly Scenario[], drivers: readonly DriverName[]) {
    this.#terminal = terminal;
    this.#drivers = drivers;
    this.#total = scenarios.length * drivers.length;
    const names = longest(scenarios.map((scenario) => scenario.id.slice(groupOf(scenario).length + 1)));
    const room = terminal.columns() - drivers.length * CELL_COLUMNS - 16;
    this.#idColumns = Math.max(Math.min(names + 4, room), 16);
  }

  started(scenario: Scenario, driver: DriverName): void {
    if (scenario !== this.#scenario) {
      this.#row.clear();
      this.#scenario = scenario;
      this.#heading(groupOf(scenario));
    }
    this.#driver = driver;
    this.#timer ??= setInterval(() => {
      this.#tick++;
      this.#draw();
    }, REDRAW_EVERY_MS);
    this.#timer.unref();
    this.#draw();
  }

  finished(result: ScenarioResult): void {
    this.#row.set(result.driver, result);
    this.#driver = null;
    this.#finished++;
    if (result.status === 'fail') this.#failed++;
    if (this.#row.size < this.#drivers.length) return this.#draw();
    this.#erase();
    this.#terminal.write(`${this.#rowLine()}\n`);
    for (const { driver, failure, status } of this.#row.values()) {
      if (failure === null) continue;
      const colour: Colour = status === 'fail' ? 'red' : 'yellow';
      const lines = status === 'skip' ? [`skipped: ${failure.saw}`] : failureLines(failure);
      for (const line of wrap(`${driver}: ${lines.join('; ')}`, this.#terminal.columns() - 6)) {
        this.#terminal.write(`     ${this.#terminal.paint(colour, line)}\n`);
      }
    }
    this.#draw();
  }

  end(): void {
    clearInterval(this.#timer);
    this.#erase();
  }

  #heading(group: string): void {
    if (group === this.#group) return;
    this.#group = group;
    this.#erase();
    const { paint } = this.#terminal;
    const columns = this.#drivers.map((driver) => pad(driver, CELL_COLUMNS)).join('');
    const title = paint('bold', pad(group, this.#idColumns));
    this.#terminal.write(`\n${title}${paint('dim', `${columns}the peer saw`)}\n`);
  }

  #draw(): void {
    this.#erase();
    const rowDone = this.#row.size === this.#drivers.length;
    const lines = rowDone ? [this.#barLine()] : [this.#rowLine(), this.#barLine()];
    this.#terminal.write(lines.join('\n'));
    this.#drawnLines = lines.length;
  }

  /** Takes back the lines that were drawn for the moment. */
  #erase(): void {
    if (this.#drawnLines === 0) return;
    const up = this.#drawnLines > 1 ? `\u001B[${this.#drawnLines - 1}A` : '';
    this.#terminal.write(`\r${up}\u001B[0J`);
    this.#drawnLines = 0;
  }

  #rowLine(): string {
    const { paint } = this.#terminal;
    const scenario = this.#scenario;
    if (scenario === null) return '';
    const name = scenario.id.slice(groupOf(scenario).length + 1);
    const cells = this.#drivers.map((driver) => this.#cell(driver)).join('');
    const room = this.#terminal.columns() - this.#idColumns - this.#drivers.length * CELL_COLUMNS - 1;
    return `  ${pad(clip(name, this.#idColumns - 3), this.#idColumns - 2)}${cells}${paint('dim', clip(this.#seen(), room))}`;
  }

  #cell(driver: DriverName): string {
    const { paint } = this.#terminal;
    const result = this.#row.get(driver);
    if (result === undefined) {
      const spinner = SPINNER[this.#tick % SPINNER.length] ?? '';
      return driver === this.#driver ? paint('cyan', pad(spinner, CELL_COLUMNS)) : paint('dim', pad('·', CELL_COLUMNS));
    }
    const mark = result.status === 'pass' ? '✓' : result.status === 'fail' ? '✗' : '-';
    const colour: Colour = result.status === 'pass' ? 'green' : result.status === 'fail' ? 'red' : 'yellow';
    return paint(colour, mark) + pad(` ${formatDuration(result.durationMs)}`, CELL_COLUMNS - 1);
  }

  /** What the peer saw; where the drivers differ, of each. */
  #seen(): string {
    const views = [...this.#row.values()].map((result) => describePeerView(result.peer));
    return [...new Set(views)].join(' | ');
  }

  #barLine(): string {
    const { paint } = this.#terminal;
    const columns = this.#terminal.columns();
    const width = Math.max(Math.min(30, columns - 50), 10);
    const full = Math.round((this.#finished / Math.max(this.#total, 1)) * width);
    const seconds = ((nowMs() - this.#startedAtMs) / 1000).toFixed(0);
    const counts = ` ${this.#finished}/${this.#total}  ${seconds} s`;
    const failed = this.#failed > 0 ? `  ${this.#failed} failed` : '';
    const room = columns - width - counts.length - failed.length - 3;
    const what = clip(this.#driver && this.#scenario ? `  ${this.#scenario.id}` : '', room);
    const bar = paint(this.#failed > 0 ? 'red' : 'green', '━'.repeat(full)) + paint('dim', '─'.repeat(width - full));
    return ` ${bar}${counts}${paint('red', failed)}${paint('dim', what)}`;
  }
}

/** A failure in full lines. */
export function failureLines(failure: { readonly expectation: string; readonly saw: string }): string[] {
  return [`expected: ${failure.expectation}`, ...`but ${failure.saw}`.split('\n')];
}

function longest(texts: readonly string[]): number {
  return texts.reduce((length, text) => Math.max(length, text.length), 0);
}
