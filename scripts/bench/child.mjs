// Child processes whose output is awaited line by line, and which never outlive the harness.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { launcher } from './machine.mjs';

/** A run that went wrong: shown in the report, never dropped. */
export class RunFailure extends Error {}

/** Something this machine cannot run at all: listed with the reason. */
export class Unsupported extends Error {}

// EXIT_UNSUPPORTED of c/bench.h.
const EXIT_UNSUPPORTED = 77;
// scripts/wine.sh gives what it runs two seconds.
const END_GRACE_MS = 5000;
const KEPT_STDERR = 2000;
const KEPT_LINES = 3;
// The line of an uncaught exception that names it: its stack is of no use in a table.
const ERROR_LINE = /^(?:Uncaught )?\w*Error\b.*:/;
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** @type {Set<Child>} */
const alive = new Set();

/** Ends every child; for exits that skip `finally`. */
export function killAll() {
  for (const child of alive) child.kill();
}

/**
 * The process that does the work: a launcher script (as npm installs for some runtimes) waits
 * for a child of its own, and the CPU time of the launcher says nothing.
 * @param {number} pid
 * @returns {number}
 */
function workingProcess(pid) {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    const only = children === '' ? undefined : Number(children.split(' ')[0]);
    return only === undefined ? pid : workingProcess(only);
  } catch {
    // Kernels without CONFIG_PROC_CHILDREN, or a process that just left.
    return pid;
  }
}

export class Child {
  #process;
  #name;
  #stderr = '';
  /** @type {string[]} */
  #lines = [];
  /** @type {(() => void)[]} */
  #waiting = [];
  #ended = false;

  /** Resolves with a description when the process is gone. @type {Promise<string>} */
  exited;

  /**
   * @param {string} name for messages
   * @param {string[]} command
   * @param {{ core?: number | undefined, env?: Record<string, string> }} [options]
   */
  constructor(name, command, { core, env } = {}) {
    const [program = '', ...args] = [...launcher(core), ...command];
    this.#name = name;
    // A group of its own, so that a launcher's children are killed with it.
    this.#process = spawn(program, args, { detached: true, env: { ...process.env, ...env } });
    alive.add(this);
    this.exited = new Promise((resolve) => {
      this.#process.on('error', (error) => resolve(this.#end(`cannot start: ${error.message}`)));
      this.#process.on('close', (code, signal) => {
        resolve(this.#end(signal ? `killed by ${signal}` : `exit code ${code}`));
      });
    });
    this.#process.stderr.on('data', (text) => {
      this.#stderr = (this.#stderr + text).slice(-KEPT_STDERR);
    });
    // A process that left early closes this pipe; its exit is reported, not the pipe.
    this.#process.stdin.on('error', () => {});
    createInterface(this.#process.stdout).on('line', (line) => {
      this.#lines.push(line);
      this.#wake();
    });
  }

  get pid() {
    return workingProcess(this.#process.pid ?? 0);
  }

  get ended() {
    return this.#ended;
  }

  #wake() {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** @param {string} how */
  #end(how) {
    this.#ended = true;
    alive.delete(this);
    this.#wake();
    return how;
  }

  /** What it complained about, as one line, without the folders of this machine. */
  #said() {
    const text = this.#stderr.replaceAll(`file://${ROOT}`, '').replaceAll(ROOT, '');
    const lines = text.split('\n').map((line) => line.trim());
    const error = lines.find((line) => ERROR_LINE.test(line));
    return error ?? lines.filter(Boolean).slice(-KEPT_LINES).join(' / ');
  }

  /** The error that tells why the process is gone. */
  async failure() {
    const how = await this.exited;
    const said = this.#said();
    const message = `${this.#name}: ${how}${said ? `: ${said}` : ''}`;
    if (this.#process.exitCode === EXIT_UNSUPPORTED) return new Unsupported(message);
    return new RunFailure(message);
  }

  /**
   * Consumes lines up to the first that matches.
   * @param {RegExp} pattern
   * @param {number} timeoutMs
   * @returns {Promise<RegExpExecArray>}
   * @throws {RunFailure | Unsupported} if the process ends first, or after the timeout
   */
  async line(pattern, timeoutMs) {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      while (this.#lines.length > 0) {
        const match = pattern.exec(this.#lines.shift() ?? '');
        if (match) return match;
      }
      if (this.#ended) throw await this.failure();
      const left = deadline - performance.now();
      if (left <= 0) {
        const said = this.#said();
        throw new RunFailure(`${this.#name}: no ${pattern} within ${timeoutMs} ms ${said}`);
      }
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#waiting.push(() => resolve(clearTimeout(timer)));
      });
    }
  }

  /** @param {NodeJS.Signals} signal */
  signal(signal) {
    process.kill(this.pid, signal);
  }

  endInput() {
    this.#process.stdin.end();
  }

  kill() {
    const { pid } = this.#process;
    if (pid === undefined || this.#ended) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // Already gone.
    }
  }

  /** Asks it to end, for a program that has something to clean up, and kills it if it does not. */
  async end() {
    this.#process.kill('SIGTERM');
    await Promise.race([this.exited, delay(END_GRACE_MS, undefined, { ref: false })]);
    await this.stop();
  }

  /** Kills and waits, so that the next run finds the core free. */
  async stop() {
    this.kill();
    await this.exited;
  }
}
