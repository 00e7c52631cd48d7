import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { soon } from './waiting.js';

export interface ChildOptions {
  /** Descriptors the process may have: `ulimit -n`, so it needs a POSIX shell. */
  readonly descriptors?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeOptions?: readonly string[];
  /** Another node than this one, and the folder it works in. */
  readonly program?: string;
  readonly folder?: string;
}

export interface ChildExit {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  readonly errors: string;
}

/** Windows has no limit that could be set, and no `sh`: there only whoever asks for a limit is refused. */
function start(nodeArgs: readonly string[], childOptions: ChildOptions): ChildProcess {
  const { descriptors, program = process.execPath, folder } = childOptions;
  const options: SpawnOptions = { env: { ...process.env, ...childOptions.env }, stdio: ['pipe', 'pipe', 'pipe'] };
  if (folder !== undefined) options.cwd = folder;
  if (descriptors === undefined) return spawn(program, nodeArgs, options);
  if (process.platform === 'win32') throw new Error('The descriptors of a process cannot be limited on Windows');
  return spawn('sh', ['-c', `ulimit -n ${descriptors}; exec "$@"`, 'sh', program, ...nodeArgs], options);
}

/** A program of ours in a process of its own. */
export class Child {
  readonly process: ChildProcess;
  readonly exited: Promise<ChildExit>;
  #output = '';
  #errors = '';
  #changed: (() => void)[] = [];

  /** `program` is a compiled module beside `from`, the caller's import.meta.url. */
  constructor(from: string, program: string, args: readonly string[] = [], options: ChildOptions = {}) {
    const file = fileURLToPath(new URL(program, from));
    if (!existsSync(file)) throw new Error(`There is no ${file}`);
    const nodeArgs = ['--expose-gc', ...(options.nodeOptions ?? []), file, ...args];
    this.process = start(nodeArgs, options);
    this.process.stdout?.on('data', (chunk: Buffer) => {
      this.#output += chunk.toString();
      this.#notify();
    });
    this.process.stderr?.on('data', (chunk: Buffer) => {
      this.#errors += chunk.toString();
    });
    this.exited = new Promise((resolve) => {
      this.process.once('close', (status, signal) => {
        resolve({ status, signal, output: this.#output, errors: this.#errors });
        this.#notify();
      });
    });
  }

  get output(): string {
    return this.#output;
  }

  /** Resolves with what a line of its output says behind `word`. */
  async says(word: string): Promise<string> {
    for (;;) {
      const line = this.#output.split('\n').find((candidate) => candidate.startsWith(word));
      if (line !== undefined && this.#output.includes(`${line}\n`)) return line.slice(word.length).trim();
      if (this.process.exitCode !== null || this.process.signalCode !== null)
        throw new Error(`The child ended without saying ${word}: ${this.#output}${this.#errors}`);
      await soon(new Promise<void>((resolve) => this.#changed.push(resolve)), `the child to say ${word}`, 20_000);
    }
  }

  /** Says a line to the child. */
  tell(line: string): void {
    this.process.stdin?.write(`${line}\n`);
  }

  /** Waits for its end; it is killed if it does not end. */
  async end(patienceMs = 20_000): Promise<ChildExit> {
    try {
      return await soon(this.exited, 'the child to end', patienceMs);
    } catch (error) {
      this.process.kill('SIGKILL');
      const { output, errors } = await this.exited;
      throw new Error(`${(error as Error).message}; it said: ${output}${errors}`);
    }
  }

  kill(): void {
    this.process.kill('SIGKILL');
  }

  #notify(): void {
    const changed = this.#changed;
    this.#changed = [];
    for (const resolve of changed) resolve();
  }
}

/** Runs a program to its end. */
export function runChild(
  from: string,
  program: string,
  args: readonly string[] = [],
  options: ChildOptions = {},
): Promise<ChildExit> {
  return new Child(from, program, args, options).end();
}
