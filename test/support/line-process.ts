import { type ChildProcess, spawn } from 'node:child_process';
import { soon } from './waiting.js';

/** Wine takes some seconds to start where nothing of it runs yet. */
const PATIENCE_MS = 60_000;

/** A process that is read line by line, whatever it is written in. */
export class LineProcess {
  /** How it ended: the exit status, or the name of the signal. */
  readonly ended: Promise<number | string>;
  readonly #process: ChildProcess;
  readonly #name: string;
  readonly #lines: string[] = [];
  #rest = '';
  #errors = '';
  #over = false;
  #wake: () => void = () => undefined;

  constructor(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#name = [command, ...args].join(' ');
    this.#process = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
    // Whoever has ended, or was never started, reads nothing: that is told by its lines and its end.
    this.#process.stdin?.on('error', () => undefined);
    this.#process.stdout?.on('data', (chunk: Buffer) => this.#read(chunk.toString()));
    this.#process.stderr?.on('data', (chunk: Buffer) => {
      this.#errors += chunk.toString();
    });
    this.ended = new Promise((resolve) => {
      this.#process.once('error', (error) => this.#end(resolve, error.message));
      this.#process.once('close', (status, signal) => this.#end(resolve, status ?? signal ?? 'unknown'));
    });
  }

  /** The next line; throws where the process has ended without one. */
  async next(): Promise<string> {
    while (this.#lines.length === 0) {
      if (this.#over) throw new Error(`${this.#name} ended too soon: ${await this.ended} ${this.#errors}`);
      const changed = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await soon(changed, `a line of ${this.#name}`, PATIENCE_MS);
    }
    return this.#lines.shift() as string;
  }

  /** What the next line says behind `word`; throws where it says something else. */
  async says(word: string): Promise<string> {
    const line = await this.next();
    if (!line.startsWith(`${word} `)) throw new Error(`${this.#name} said ${line} instead of ${word}`);
    return line.slice(word.length + 1);
  }

  /** All the lines that are left, once it has ended. */
  async remaining(): Promise<string[]> {
    await soon(this.ended, `the end of ${this.#name}`, PATIENCE_MS);
    return this.#lines.splice(0);
  }

  /** Says a line to it. */
  tell(line: string): void {
    this.#process.stdin?.write(`${line}\n`);
  }

  kill(): void {
    if (!this.#over) this.#process.kill('SIGTERM');
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() as string;
    this.#lines.push(...lines.map((line) => line.replace(/\r$/, '')));
    this.#wake();
  }

  #end(resolve: (how: number | string) => void, how: number | string): void {
    this.#over = true;
    resolve(how);
    this.#wake();
  }
}
